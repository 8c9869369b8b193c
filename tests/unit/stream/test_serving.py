"""A list that is announced takes the place of its former version, and only when it is that list."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from onoma.contracts.notice import Notice
from onoma.errors import GazetteerError
from onoma.gazetteer.served import ServedList, ServedLists
from onoma.metrics import Metrics
from onoma.stream.serving import Current, list_loader, list_retractor
from tests.fakes import versions
from tests.unit.gazetteer.lists import entry, served


def _notice(of: ServedList) -> Notice:
    return Notice(
        kind="gazetteer",
        name=of.version.name,
        version=of.version.version,
        sha256=of.version.sha256,
        path="gazetteers/zub",
    )


def _entries(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value("onoma_gazetteer_entries", {"gazetteer": name})


def test_an_announced_list_is_served_until_it_is_taken_away(tmp_path: Path) -> None:
    metrics = Metrics(languages=(), labels=(), model="fake")
    other = served(tmp_path / "yar", entry("y:1", "Amina Bello"))
    configured = ServedLists.of([other])
    current = Current(versions(lists=configured))
    taken = current()
    announced = served(tmp_path / "zub", entry("z:1", "Zubo"), entry("z:2", "Mirel"))

    current.change(list_loader(metrics)(_notice(announced), tmp_path / "zub"))
    assert current().lists.versions == (other.version, announced.version)
    assert taken.lists.versions == (other.version,)
    assert _entries(metrics, "zub") == 2

    current.change(list_retractor(metrics, configured)("zub"))
    assert current().lists.versions == (other.version,)
    assert _entries(metrics, "zub") == 0


def test_a_list_of_the_settings_serves_again_when_what_replaced_it_is_taken_away(
    tmp_path: Path,
) -> None:
    metrics = Metrics(languages=(), labels=(), model="fake")
    configured = ServedLists.of(
        [served(tmp_path / "first", entry("z:1", "Zubo Kadram"), name="zub")]
    )
    current = Current(versions(lists=configured))
    newer = served(tmp_path / "zub", entry("z:1", "Zubo"), entry("z:2", "Mirel"), version="2")
    retract = list_retractor(metrics, configured)

    current.change(list_loader(metrics)(_notice(newer), tmp_path / "zub"))
    current.change(retract("zub"))
    current.change(retract("zub"))

    assert current().lists.versions == configured.versions
    assert _entries(metrics, "zub") == 1


@pytest.mark.parametrize("change", [{"name": "other"}, {"version": "3"}, {"sha256": "0" * 64}])
def test_a_list_that_is_another_than_announced_is_refused(
    tmp_path: Path, change: dict[str, str]
) -> None:
    found = served(tmp_path / "zub", entry("z:1", "Zubo Kadram"))
    notice = msgspec.structs.replace(_notice(found), **change)
    load = list_loader(Metrics(languages=(), labels=(), model="fake"))

    with pytest.raises(GazetteerError, match=r"holds zub 1 .* announced was"):
        load(notice, tmp_path / "zub")
