"""Mentions meet entries: by type, by the list's policy, and by the list as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.gazetteer.chain import Chain, open_chain
from onoma.gazetteer.entries import Entry, EntryType, Name, NameKind, Quality
from onoma.gazetteer.index import INDEX
from onoma.gazetteer.matching import Decision, ListMatcher, Match, Mention, Reason
from onoma.gazetteer.policy import ListPolicy, SingleTokens, Thresholds
from onoma.gazetteer.segment import write_segment
from tests.unit.gazetteer import names
from tests.unit.gazetteer.lists import entry, identity


def _list(
    directory: Path,
    *entries: Entry,
    base: Path | None = None,
    tombstones: Sequence[str] = (),
) -> Chain:
    write_segment(directory, entries, identity(directory.name, base), INDEX, tombstones=tombstones)
    return open_chain(directory)


def _weak(text: str) -> Name:
    return Name(text, quality=Quality.WEAK)


def _match(chain: Chain, text: str, label: str | None = None, **rules: object) -> tuple[Match, ...]:
    policy = ListPolicy(**rules)  # type: ignore[arg-type]  # by keyword
    return ListMatcher(chain).match([Mention(text, label)], policy)[0]


def _decisions(matches: Sequence[Match]) -> dict[str, tuple[Decision, tuple[Reason, ...]]]:
    return {match.entry.entry_id: (match.decision, match.reasons) for match in matches}


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """Return a list of some of each."""
    orient = entry("o:1", "Orient Seaport Bank", type=EntryType.ORGANISATION)
    primary = Name("Belova Karina Petrovna", kind=NameKind.PRIMARY)
    return _list(
        tmp_path / "1",
        entry("p:1", "BELLO, Amina Karimu", "Amina Bello Karimu", "Mina"),
        entry("p:2", "x", names=(primary, _weak("Karina Orlova"))),
        orient,
        entry("v:1", "Seaport", type=EntryType.VESSEL),
        entry("l:1", "Kandraba Wodenu", type=EntryType.PLACE),
    )


def test_an_entry_is_matched_once_by_the_best_of_its_names(chain: Chain) -> None:
    (match,) = _match(chain, "Amina Bello-Karimu", "PER")

    assert (match.entry.entry_id, match.decision, match.reasons) == ("p:1", Decision.ALERT, ())
    assert match.score.score == 100.0
    assert match.name.text == "Amina Bello Karimu"


@pytest.mark.parametrize(
    ("text", "label", "found"),
    [
        ("Orient Seaport Bank", "ORG", ["o:1"]),
        ("Orient Seaport Bank", "PER", []),
        ("Orient Seaport Bank", "LOC", []),
        ("Orient Seaport Bank", None, ["o:1"]),
        ("Orient Seaport Bank", "a label of another model", ["o:1"]),
        ("Kandraba Wodenu", "LOC", []),
        ("Kandraba Wodenu", None, ["l:1"]),
    ],
)
def test_a_label_means_entries_of_some_types(
    chain: Chain, text: str, label: str | None, found: list[str]
) -> None:
    assert [match.entry.entry_id for match in _match(chain, text, label)] == found


def test_a_weak_alias_alone_never_alerts(chain: Chain) -> None:
    weak, reasons = _decisions(_match(chain, "Karina Orlova", "PER"))["p:2"]
    allowed = _decisions(_match(chain, "Karina Orlova", "PER", weak_alias_alerts=True))["p:2"]

    assert (weak, reasons) == (Decision.REVIEW, (Reason.WEAK_ALIAS,))
    assert allowed == (Decision.ALERT, ())


@pytest.mark.parametrize(
    ("text", "rule", "decided"),
    [
        ("Seaport", SingleTokens.EXACT, {"v:1": (Decision.ALERT, ())}),
        ("Seeport", SingleTokens.EXACT, {}),
        ("Seeport", SingleTokens.NEAR, {"v:1": (Decision.REVIEW, (Reason.BELOW_ALERT,))}),
        ("Seaport", SingleTokens.NEVER, {}),
        ("Mina", SingleTokens.EXACT, {"p:1": (Decision.REVIEW, (Reason.SINGLE_TOKEN,))}),
    ],
)
def test_a_single_word_has_rules_of_its_own(
    chain: Chain, text: str, rule: SingleTokens, decided: Mapping[str, object]
) -> None:
    assert _decisions(_match(chain, text, single_tokens=rule)) == decided


def test_thresholds_are_those_of_the_entrys_type(chain: Chain) -> None:
    strict = {EntryType.PERSON: Thresholds(98.0, 99.0)}
    matches = _match(chain, "Amina Belo Karimu", "PER")
    stricter = _match(chain, "Amina Belo Karimu", "PER", thresholds=strict)

    assert [match.decision for match in matches] == [Decision.ALERT]
    assert stricter == ()


def test_thresholds_that_contradict_are_refused() -> None:
    with pytest.raises(ValueError, match="found review 90 and alert 80"):
        Thresholds(90.0, 80.0)
    with pytest.raises(ValueError, match="wanted 75 <= review"):
        Thresholds(60.0, 80.0)


def test_why_not_is_explained_like_why(chain: Chain) -> None:
    matcher = ListMatcher(chain)
    match = matcher.explain(Mention("Bello Orlova", "ORG"), "p:1")

    assert match is not None
    assert match.decision is Decision.NONE
    assert match.reasons == (Reason.BELOW_REVIEW, Reason.OTHER_TYPE)
    assert [pair.entry for pair in match.score.alignment.pairs] == ["bello"]
    assert matcher.explain(Mention("Amina"), "nobody") is None


def test_a_changed_entry_is_matched_as_it_stands_now(tmp_path: Path) -> None:
    first = (
        entry("p:1", "Amina Bello"),
        entry("p:2", "Karina Orlova"),
        entry("p:3", "Sefu Jabari"),
    )
    _list(tmp_path / "1", *first)
    changed = entry("p:1", "Amina Kandraba")
    chain = _list(tmp_path / "2", changed, base=tmp_path / "1", tombstones=["p:2"])

    found = ListMatcher(chain).match(
        [
            Mention(text)
            for text in ("Amina Bello", "Amina Kandraba", "Karina Orlova", "Sefu Jabari")
        ]
    )

    assert [[match.entry.entry_id for match in matches] for matches in found] == [
        [],
        ["p:1"],
        [],
        ["p:3"],
    ]


_entries = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d", "e", "f"]), names.names, min_size=1, max_size=6
)


@settings(max_examples=25, deadline=None)
@given(_entries, _entries, st.sets(st.sampled_from(["a", "b", "c"])), st.data())
def test_a_chain_answers_as_the_list_built_anew(
    tmp_path_factory: pytest.TempPathFactory,
    old: dict[str, str],
    new: dict[str, str],
    gone: set[str],
    data: st.DataObject,
) -> None:
    directory = tmp_path_factory.mktemp("lists")
    _list(directory / "1", *(entry(key, name) for key, name in old.items()))
    upserts = [entry(key, name) for key, name in new.items() if key not in gone]
    chain = _list(directory / "2", *upserts, base=directory / "1", tombstones=sorted(gone))
    rebuilt = _list(directory / "3", *chain)
    listed = st.sampled_from([*old.values(), *new.values()])
    texts = data.draw(st.lists(listed.flatmap(names.changed), min_size=1, max_size=4))
    mentions = [Mention(text) for text in texts]

    assert ListMatcher(chain).match(mentions) == ListMatcher(rebuilt).match(mentions)
