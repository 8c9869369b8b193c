"""What served before the first notice is kept in the store, so that a rollback leads back to it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from onoma.contracts.policy import DEFAULT_POLICY
from onoma.gazetteer.matching import Mention
from onoma.gazetteer.served import ServedList, open_served
from onoma.registry import bundle
from onoma.registry.signing import check_signature, read_private_key, read_public_keys
from onoma.registry.store import Store
from onoma.settings import Settings
from onoma.stream.desk import Desk
from onoma.stream.earlier import (
    NOTHING,
    announced_list,
    keep_configured_list,
    keep_configured_model,
    keep_list,
)
from tests.keys import Keys
from tests.notices import version_of
from tests.stream.models import other_version
from tests.tiny_bundle import pass_unjudged
from tests.unit.gazetteer.lists import entry, judged, served

ZUBO, AMINA = entry("z:1", "Zubo Kadram"), entry("z:2", "Amina Bello")


def _desk(tmp_path: Path, **settings: object) -> Desk:
    sections = {"kafka": {"bootstrap_servers": "unused:1"}, **settings}
    store = Store(tmp_path / "store")
    store.root.mkdir()
    loaded = Settings.model_validate(sections)
    return Desk(settings=loaded, limits=DEFAULT_POLICY.limits, store=store, keys=())


def _lists(*lists: ServedList) -> dict[str, object]:
    return {"gazetteers": {"lists": [each.directory for each in lists]}}


def test_the_configured_list_is_kept_with_all_that_it_stands_on(tmp_path: Path) -> None:
    served(tmp_path / "zub", ZUBO)
    configured = served(tmp_path / "change", AMINA, name="zub", version="2", base=tmp_path / "zub")
    other = served(tmp_path / "other", entry("o:1", "Mirel Quostan"))
    desk = _desk(tmp_path, **_lists(other, configured))
    announced = served(tmp_path / "new", ZUBO, name="zub", version="3")

    kept = keep_configured_list(desk, announced)

    assert kept == announced_list(configured)
    back = open_served(desk.store.fetch(desk.store.notice_of("gazetteer", kept)))
    assert (back.version, back.size) == (configured.version, 2)


def test_where_no_list_of_that_name_is_configured_an_empty_one_is_kept(tmp_path: Path) -> None:
    other = served(tmp_path / "other", ZUBO)
    desk = _desk(tmp_path, **_lists(other))

    kept = keep_configured_list(desk, served(tmp_path / "zub", ZUBO))

    assert kept is not None
    assert (kept.name, kept.version) == ("zub", NOTHING)
    back = open_served(desk.store.fetch(desk.store.notice_of("gazetteer", kept)))
    assert back.size == 0
    assert back.matcher is not None
    assert back.matcher.match([Mention("Zubo Kadram")]) == [()]


def test_before_the_first_exclusions_nothing_was_excluded(tmp_path: Path) -> None:
    desk = _desk(tmp_path)

    kept = keep_configured_list(desk, judged(tmp_path / "judged"))

    assert kept is not None
    back = open_served(desk.store.fetch(desk.store.notice_of("gazetteer", kept)))
    assert (back.version.name, back.size, back.matcher) == ("judged", 0, None)


def test_a_list_is_not_what_served_before_itself(tmp_path: Path) -> None:
    configured = served(tmp_path / "zub", ZUBO)

    assert keep_configured_list(_desk(tmp_path, **_lists(configured)), configured) is None


def test_a_configured_list_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    configured = served(tmp_path / "zub", ZUBO)
    (configured.directory / "entries.jsonl").write_bytes(b"altered")
    desk = _desk(tmp_path, **_lists(configured))

    assert keep_configured_list(desk, served(tmp_path / "new", ZUBO, name="zub")) is None


def test_the_configured_model_is_kept_but_not_before_itself(tmp_path: Path) -> None:
    configured = pass_unjudged(other_version(tmp_path / "configured", "configured"))
    desk = _desk(tmp_path, model={"path": configured})

    kept = keep_configured_model(desk, version_of(bundle.default_directory()))

    assert kept == version_of(configured)
    assert version_of(desk.store.fetch(desk.store.notice_of("model", kept))) == kept
    assert keep_configured_model(desk, kept) is None


def test_what_is_kept_is_signed_like_what_is_announced(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path / "keys")
    desk = replace(
        _desk(tmp_path),
        keys=read_public_keys(keys.public),
        sign_with=read_private_key(keys.private),
    )
    new_model = version_of(pass_unjudged(other_version(tmp_path / "new", "new")))

    model = keep_configured_model(desk, new_model)
    nothing = keep_configured_list(desk, served(tmp_path / "zub", ZUBO))

    assert model is not None
    assert nothing is not None
    for notice in (
        desk.store.notice_of("model", model),
        desk.store.notice_of("gazetteer", nothing),
    ):
        assert notice.signature is not None
        check_signature(notice, desk.keys)


def test_a_change_is_kept_on_what_it_was_built_on(tmp_path: Path) -> None:
    served(tmp_path / "zub", ZUBO)
    change = served(tmp_path / "change", AMINA, name="zub", version="2", base=tmp_path / "zub")
    desk = _desk(tmp_path)

    kept = keep_list(desk, change, desk.new_notice("gazetteer", announced_list(change)))

    shutil.rmtree(tmp_path / "zub")
    assert open_served(kept).size == 2
