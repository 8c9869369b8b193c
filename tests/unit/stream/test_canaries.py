"""What a canary sends is what the policy knows by its hash; what can't be watched is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onoma.contracts.decoders import decode
from onoma.contracts.policy import Limits, Policy
from onoma.contracts.records import Record
from onoma.errors import WrongUseError
from onoma.stream.canaries import Canaries, load, refuse_unknown

ONE: dict[str, Any] = {
    "name": "en",
    "text": "Then Orbal Vant came.",
    "names": [{"text": "Orbal Vant", "label": "PER"}],
}


def _written(path: Path, *canaries: dict[str, Any], **more: object) -> Path:
    path.write_text(json.dumps({"canaries": canaries, **more}), encoding="utf-8")
    return path


def _policy(canaries: Canaries) -> Policy:
    hashes = frozenset(each.text_sha256 for each in canaries.canaries)
    return Policy(name="p", version="1", canaries=hashes)


def test_a_sent_document_is_marked_and_has_the_text_that_the_policy_knows() -> None:
    for canary in load(None).canaries:
        message = canary.message("onoma-canary-1", "north", 2)

        document = decode(
            Record("documents.v1", 2, 0, message.key, message.value, message.headers), Limits()
        )
        assert document.marked_synthetic
        assert (document.text, document.tenant) == (canary.text, "north")
        assert document.language == canary.language
        assert message.partition == 2


def test_a_policy_that_lacks_a_hash_is_refused_with_the_canary_s_name() -> None:
    canaries = load(None)
    refuse_unknown(canaries, _policy(canaries))
    lacking = _policy(Canaries(canaries.canaries[1:]))

    with pytest.raises(WrongUseError, match="of the canaries en in") as caught:
        refuse_unknown(canaries, lacking)

    assert "canary show --policy" in str(caught.value)


@pytest.mark.parametrize(
    ("canaries", "message"),
    [
        ((), "Expected `array` of length >= 1"),
        (({**ONE, "name": "English text"},), "matching regex"),
        (({**ONE, "txt": ""},), "unknown field `txt`"),
        ((ONE, ONE), "found 2 canaries of that name, wanted one"),
        (({**ONE, "names": [{"text": "Vanth", "label": "PER"}]},), "found name 1 0 times"),
        (({**ONE, "names": [{"text": "n", "label": "PER"}]},), "found name 1 2 times"),
    ],
)
def test_a_file_that_can_not_be_watched_is_refused(
    canaries: tuple[dict[str, Any], ...], message: str, tmp_path: Path
) -> None:
    path = _written(tmp_path / "canaries.json", *canaries)

    with pytest.raises(WrongUseError, match=r"canary\.path") as caught:
        load(path)

    assert message in str(caught.value)
    assert "Orbal" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match=r"canary.path: .*absent.json can't be read"):
        load(tmp_path / "absent.json")
