"""The lists as they were published load completely: counts and names are those of the manifest and
of the prepared files beside them.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from onoma.gazetteer.entries import Entry, Quality
from tests.conftest import DATA
from tests.unit.gazetteer.readers.reading import Read, read

pytestmark = pytest.mark.data
TYPES = {"entity": "organisation"}


def published(format_name: str, *names: str) -> Read:
    lists = DATA / "watchlist" / "raw"
    return read(format_name, *((lists / name).read_bytes() for name in names))


def prepared(name: str) -> dict[str, dict[str, Any]]:
    with gzip.open(DATA / "watchlist" / name, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return {record["id"].partition(":")[2]: record for record in records}


def manifest(name: str) -> dict[str, Any]:
    records = json.loads((DATA / "lists_manifest.json").read_text(encoding="utf-8"))
    (found,) = [record for record in records if record["file"].endswith(f"/{name}")]
    return dict(found)


def texts(entry: Entry, quality: Quality) -> set[str]:
    return {name.text for name in entry.names if name.quality is quality}


def strings(value: str | Iterable[str] | None) -> set[str]:
    return {" ".join(text.split()) for text in ([value] if isinstance(value, str) else value or ())}


def test_ofac_loads_completely() -> None:
    found = published("ofac", "ofac_sdn.csv.gz", "ofac_alt.csv.gz", "ofac_add.csv.gz")
    wanted, counted = prepared("ofac_sdn.jsonl.gz"), manifest("ofac_sdn.jsonl.gz")

    assert found.notes.records["1"] == counted["entries"] == len(found.entries)
    assert found.notes.records["2"] == counted["aliases"]
    assert set(found.notes.skipped) == {"repeated_name"}
    strong = sum(len(texts(entry, Quality.STRONG)) for entry in found.entries)
    assert strong + found.notes.skipped.total() == counted["entries"] + counted["aliases"]
    assert Counter(entry.type for entry in found.entries) == {
        TYPES.get(kind, kind): count for kind, count in counted["by_type"].items()
    }
    for entry in found.entries:
        record = wanted[entry.entry_id]
        assert strings(texts(entry, Quality.STRONG)) == {
            *strings(record["name"]),
            *strings(record.get("aliases")),
        }
        assert list(entry.programmes) == record.get("program", [])
    assert sum(len(texts(entry, Quality.WEAK)) for entry in found.entries) > 2_400


def test_the_consolidated_list_of_ofac_loads_completely() -> None:
    found = published(
        "ofac", "ofac_cons_prim.csv.gz", "ofac_cons_alt.csv.gz", "ofac_cons_add.csv.gz"
    )

    assert found.notes.records == {"1": 442, "2": 1_073, "3": 574}
    assert len(found.entries) == 442
    assert set(found.notes.skipped) == {"repeated_name"}


def test_the_list_of_the_security_council_loads_completely() -> None:
    found = published("un", "un_consolidated.xml.gz")
    wanted, counted = prepared("un_sc.jsonl.gz"), manifest("un_sc.jsonl.gz")
    read_in_all = ("entries", "aliases", "weak_aliases", "original_script")
    names = sum(len(entry.names) for entry in found.entries)

    assert len(found.entries) == counted["entries"]
    assert set(found.notes.skipped) == {"repeated_name"}
    assert names + found.notes.skipped.total() == sum(counted[what] for what in read_in_all)
    assert Counter(entry.type for entry in found.entries) == {
        TYPES.get(kind, kind): count for kind, count in counted["by_type"].items()
    }
    assert found.notes.published == "2026-02-27T00:00:09.554Z"
    for entry in found.entries:
        record = wanted[entry.entry_id]
        strong = {record["name"], *strings(record.get("aliases"))}
        strong |= strings(record.get("original_script"))
        assert texts(entry, Quality.STRONG) == strings(strong)
        assert texts(entry, Quality.WEAK) == strings(record.get("weak_aliases")) - strong
        assert entry.listed_on == record["listed_on"]
