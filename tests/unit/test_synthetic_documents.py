"""A mark takes no document out of sight: who isn't one of the policy's canaries is read as ever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.document import SYNTHETIC_MARK
from onoma.contracts.policy import Policy
from onoma.gazetteer.served import ServedLists
from onoma.metrics import Metrics
from onoma.pipeline import Annotated, Versions, process
from onoma.stream.publisher import count_outcome
from tests.fakes import record, text_record, versions
from tests.texts import documents
from tests.unit.gazetteer.lists import entry, served

NAMES = {"Orbal": "B-PER", "Vant": "I-PER"}
CANARY = "Then Orbal Vant came."
MARK = {SYNTHETIC_MARK: "true"}
NEARLY = [
    CANARY + " ",
    CANARY + "\n",
    CANARY.removesuffix("."),
    CANARY.upper(),
    CANARY.replace("O", "\u041e"),  # the Cyrillic letter that looks alike
    "\ufeff" + CANARY,
    CANARY.replace(" ", "\u00a0", 1),
    f"{CANARY} {CANARY}",
]
marks = st.dictionaries(
    st.sampled_from([SYNTHETIC_MARK, SYNTHETIC_MARK.upper(), "synthetic", "other"]),
    st.sampled_from(["true", "false", "True", "1", ""]),
)


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    directory = tmp_path_factory.mktemp("lists") / "zub"
    return versions(
        names=NAMES,
        quiet=True,
        lists=ServedLists.of([served(directory, entry("z:1", "Orbal Vant"))]),
        policy=Policy(name="p", version="1", canaries=frozenset({_sha256(CANARY)})),
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _outcome(by: Versions, text: str, metadata: Mapping[str, str]) -> Annotated:
    value = {"document_id": "d", "text": text, "metadata": metadata}
    outcome = process(record(json.dumps(value).encode()), by)
    assert isinstance(outcome, Annotated)
    return outcome


def _values(outcome: Annotated) -> list[dict[str, Any]]:
    """Return event and alerts, without what they say of being synthetic."""
    values = [json.loads(output.value or b"") for output in outcome.outputs]
    return [{name: part for name, part in v.items() if name != "synthetic"} for v in values]


@settings(max_examples=150, deadline=None)
@given(documents | st.sampled_from([CANARY, *NEARLY]), marks)
def test_a_mark_never_changes_what_is_read_found_and_alerted(
    by: Versions, text: str, metadata: dict[str, str]
) -> None:
    marked, unmarked = _outcome(by, text, metadata), _outcome(by, text, {})

    assert _values(marked) == _values(unmarked)
    assert marked.output.destination == "entities"


@settings(max_examples=150, deadline=None)
@given(documents | st.sampled_from([CANARY, *NEARLY]), marks)
def test_a_document_is_synthetic_only_by_mark_and_by_the_hash_of_its_text(
    by: Versions, text: str, metadata: dict[str, str]
) -> None:
    outcome = _outcome(by, text, metadata)

    expected = text == CANARY and metadata.get(SYNTHETIC_MARK) == "true"
    assert outcome.event.synthetic is expected
    assert [json.loads(alert.value or b"")["synthetic"] for alert in outcome.alerts] == [
        expected
    ] * len(outcome.alerts)


@pytest.mark.parametrize("text", NEARLY)
def test_a_text_that_is_nearly_a_canary_is_none(by: Versions, text: str) -> None:
    assert _outcome(by, text, MARK).event.synthetic is False


def test_the_alerts_of_a_canary_say_that_it_is_one(by: Versions) -> None:
    outcome = _outcome(by, CANARY, MARK)

    assert outcome.event.synthetic is True
    (alert,) = [json.loads(output.value or b"") for output in outcome.alerts]
    assert (alert["synthetic"], alert["entry"]["entry_id"]) == (True, "z:1")


def test_without_canaries_in_the_policy_nothing_is_synthetic() -> None:
    outcome = _outcome(versions(names=NAMES, quiet=True), CANARY, MARK)

    assert outcome.event.synthetic is False


def test_plain_text_carries_no_mark(by: Versions) -> None:
    outcome = process(text_record(CANARY), by)

    assert isinstance(outcome, Annotated)
    assert outcome.event.synthetic is False


def test_marks_are_counted_by_what_came_of_them(by: Versions) -> None:
    metrics = Metrics(languages=["ha"], labels={"PER"}, model="fake")
    metrics.extend_gazetteers(["zub"])
    for text, metadata in ((CANARY, MARK), (NEARLY[0], MARK), ("Else.", MARK), (CANARY, {})):
        count_outcome(_outcome(by, text, metadata), metrics)

    exposition = metrics.exposition().decode()
    assert 'onoma_marked_synthetic_documents_total{mark="confirmed"} 1.0' in exposition
    assert 'onoma_marked_synthetic_documents_total{mark="ignored"} 2.0' in exposition
