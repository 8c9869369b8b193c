"""Exclusions hold for one mention and one entry, as it was, until their day."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import fingerprint
from onoma.gazetteer.exclusions import (
    Exclusion,
    Exclusions,
    Ruling,
    open_exclusions,
    read_log,
    write_exclusions,
)
from onoma.gazetteer.readers.sources import Source
from tests.unit.gazetteer.lists import entry

ORBAL = entry("z:1", "Orbal Vant")


def exclusion(**changes: str | None) -> Exclusion:
    one = Exclusion(
        mention="Orbal VANT",
        gazetteer="zub",
        entry_id="z:1",
        fingerprint=fingerprint(ORBAL),
        reviewer="r.quoro",
        reason="a baker, born 1990",
        reviewed_on="2031-01-02",
    )
    return msgspec.structs.replace(one, **changes)


def rulings(
    *exclusions: Exclusion, mention: str = "orbal vant", **asked: str | None
) -> list[Ruling]:
    known = Exclusions(exclusions, str.casefold)
    about = known.about(mention, asked.get("gazetteer") or "zub", ORBAL, asked.get("tenant"))
    return [considered.ruling for considered in about]


def test_an_exclusion_is_about_its_mention_its_list_and_its_entry_alone() -> None:
    assert rulings(exclusion()) == [Ruling.EXCLUDED]
    assert rulings(exclusion(), mention="orbal vanta") == []
    assert rulings(exclusion(), gazetteer="other") == []
    assert rulings(exclusion(entry_id="z:2")) == []


def test_an_exclusion_of_a_tenant_is_about_its_documents_alone() -> None:
    assert rulings(exclusion(tenant="north"), tenant="north") == [Ruling.EXCLUDED]
    assert rulings(exclusion(tenant="north"), tenant="south") == []
    assert rulings(exclusion(tenant="north")) == []
    assert rulings(exclusion(), tenant="south") == [Ruling.EXCLUDED]


def test_a_hit_is_open_again_when_the_list_says_anything_else_about_the_entry() -> None:
    changed = replace(ORBAL, remarks="Also a baker.")
    known = Exclusions([exclusion()], str.casefold)

    assert [one.ruling for one in known.about("orbal vant", "zub", changed, None)] == [
        Ruling.REOPENED
    ]


def test_what_had_ended_on_the_day_of_the_build_is_left_out_and_counted(tmp_path: Path) -> None:
    judged = [exclusion(), exclusion(expires_on="2031-02-02"), exclusion(expires_on="2031-02-01")]
    written = write_exclusions(
        tmp_path / "1", judged, name="judged", version="1", as_of="2031-02-02"
    )
    opened = open_exclusions(tmp_path / "1")

    assert (written.exclusions, written.expired) == (2, 1)
    assert set(opened.exclusions) == set(judged[:2])


def test_the_same_judgements_have_the_same_hash_in_any_order(tmp_path: Path) -> None:
    judged = [exclusion(), exclusion(mention="O. Vant"), exclusion()]
    for out, several in (("1", judged), ("2", judged[::-1])):
        write_exclusions(tmp_path / out, several, name="judged", version="1", as_of="2031-02-02")
    one, other = open_exclusions(tmp_path / "1"), open_exclusions(tmp_path / "2")

    assert one == other
    assert len(one.exclusions) == 2


def test_an_altered_list_of_exclusions_is_refused(tmp_path: Path) -> None:
    write_exclusions(tmp_path / "1", [exclusion()], name="judged", version="1", as_of="2031-02-02")
    path = tmp_path / "1" / "exclusions.jsonl"
    path.write_bytes(path.read_bytes().replace(b"z:1", b"z:2"))

    with pytest.raises(GazetteerError, match=r"exclusions\.jsonl: was altered"):
        open_exclusions(tmp_path / "1")


@pytest.mark.parametrize(
    "change",
    [{"expires_on": "tomorrow"}, {"reviewer": ""}, {"fingerprint": "abc"}, {"color": "red"}],
)
def test_a_line_that_is_no_judgement_is_refused_with_its_place(change: dict[str, str]) -> None:
    lines = [msgspec.to_builtins(exclusion()), {**msgspec.to_builtins(exclusion()), **change}]
    log = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)

    with pytest.raises(GazetteerError, match="log:2: is no exclusion"):
        list(read_log(Source("log", io.BytesIO(log))))
