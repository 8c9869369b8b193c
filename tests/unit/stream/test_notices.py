"""What is served changes for a good notice only; a bad one is counted, and the old goes on."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onoma.contracts.notice import MODEL_KEY, Announced, Notice, encode
from onoma.contracts.records import Record
from onoma.errors import BundleError, FatalError
from onoma.metrics import NOTICES, Metrics
from onoma.pipeline import Versions
from onoma.registry.signing import read_private_key, read_public_keys, signed
from onoma.registry.store import Store
from onoma.settings import Settings
from onoma.stream.notices import Followed, Notices
from onoma.stream.serving import Change, Current, model_loader
from onoma.stream.stages import Stages
from tests.fakes import versions
from tests.keys import Keys
from tests.notices import notice_of
from tests.tiny_bundle import pass_unjudged, tiny_bundle

TOPIC = "models.v1"
LISTS = "gazetteers.v1"
WAIT_SECONDS = 10.0


class Desk:
    """Notices of models and of lists, on a store of their own and a clock that stands still."""

    def __init__(self, root: Path, *, public_key: Path | None = None) -> None:
        root.mkdir()
        self.root = root
        self.store = Store(root / "store")
        self.store.root.mkdir()
        self.current = Current(versions(model_version="from-the-settings"))
        self.metrics = Metrics(languages=(), labels=(), model="fake")
        self.now = 0.0
        self.loaded_lists: list[str] = []
        self.stages = Stages()
        self.stages_while_loading: list[str] = []
        followed = (
            Followed("model", TOPIC, model_loader(Settings(), self.metrics)),
            Followed("gazetteer", LISTS, self._load_list, self._retract_list),
        )
        self.notices = Notices(
            {each.topic: each for each in followed},
            store=self.store,
            keys=read_public_keys(public_key) if public_key else (),
            wait_seconds=WAIT_SECONDS,
            current=self.current,
            metrics=self.metrics,
            clock=lambda: self.now,
            stages=self.stages,
        )
        self._offset = 0

    def _load_list(self, notice: Notice, directory: Path) -> Change:
        self.stages_while_loading += [each.stage for each in self.stages.now()]

        def put(served: Versions) -> Versions:
            self.loaded_lists.append(f"{notice.name} {notice.version}")
            return replace(served, run=notice.version)

        return put

    def _retract_list(self, name: str) -> Change:
        def put(served: Versions) -> Versions:
            self.loaded_lists.append(f"{name} retracted")
            return served

        return put

    def bundle(self, version: str, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
        def changed(manifest: dict[str, Any]) -> None:
            manifest["version"] = version
            if change:
                change(manifest)

        return pass_unjudged(tiny_bundle(self.root / f"bundle-{version}", change=changed))

    def notice(self, directory: Path, **changes: object) -> Notice:
        return notice_of(self.store, directory, **changes)

    def kept(self, version: str) -> Notice:
        directory = self.bundle(version)
        notice = self.notice(directory)
        self.store.keep(directory, notice)
        return notice

    def note(
        self,
        value: Notice | bytes | None,
        *,
        key: bytes | None = MODEL_KEY.encode(),
        topic: str = TOPIC,
    ) -> None:
        data = encode(value) if isinstance(value, Notice) else value
        self.notices.note(Record(topic, 0, self._offset, key, data))
        self._offset += 1

    def settle(self) -> bool:
        return asyncio.run(self.notices.settle())

    def counted(self) -> dict[str, float]:
        found = {
            outcome: sum(
                self.metrics.registry.get_sample_value(
                    "onoma_notices_total", {"kind": kind, "outcome": outcome}
                )
                or 0
                for kind in ("model", "gazetteer")
            )
            for outcome in NOTICES
        }
        return {outcome: count for outcome, count in found.items() if count}

    @property
    def serves(self) -> str:
        return self.current().model.version


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk")


def test_a_good_notice_changes_model_languages_and_name_of_the_next_document(desk: Desk) -> None:
    before = desk.current()
    desk.settle()
    desk.note(notice := desk.kept("3"))

    assert desk.settle()

    after = desk.current()
    assert (after.model.name, after.model.version, after.model.sha256) == (
        "tiny",
        "3",
        notice.sha256,
    )
    assert after.recogniser.labels == ("O", "B-PER", "I-PER")
    assert after.languages.trained == {"ha"}
    assert (after.policy, after.worker, after.cluster) == (
        before.policy,
        before.worker,
        before.cluster,
    )
    assert before.model.version == "from-the-settings"
    assert desk.counted() == {"served": 1}
    assert b'onoma_model_info{model="tiny"' in desk.metrics.exposition()


def test_what_nobody_holds_any_more_is_gone_after_a_swap(desk: Desk) -> None:
    desk.note(desk.kept("3"))
    desk.settle()
    old = weakref.ref(desk.current().recogniser)
    held = desk.current()
    desk.note(desk.kept("4"))
    desk.settle()

    assert old() is held.recogniser
    del held
    gc.collect()
    assert old() is None


def test_of_the_notices_that_were_there_before_only_the_newest_is_loaded(desk: Desk) -> None:
    for version in ("3", "4", "5"):
        desk.note(desk.kept(version))

    assert desk.settle()

    assert desk.serves == "5"
    assert desk.counted() == {"served": 1}


def test_where_the_newest_is_bad_the_next_older_one_is_served_at_start_too(desk: Desk) -> None:
    desk.note(desk.kept("3"))
    desk.note(b"{}")

    assert desk.settle()

    assert desk.serves == "3"
    assert desk.counted() == {"malformed": 1, "served": 1}


def test_a_worker_that_starts_among_bad_notices_only_does_not_guess(desk: Desk) -> None:
    desk.note(b"no notice")

    with pytest.raises(FatalError, match=r"no notice in models\.v1 can be served; the newest: "):
        desk.settle()


def altered(desk: Desk) -> Notice:
    notice = desk.kept("9")
    with (desk.store.root / notice.path / "model.onnx").open("ab") as file:
        file.write(b"\0")
    return notice


def ungated(desk: Desk) -> Notice:
    directory = tiny_bundle(desk.root / "ungated")
    desk.store.keep(directory, notice := desk.notice(directory))
    return notice


def of_another_kind(desk: Desk) -> Notice:
    directory = desk.bundle("9", lambda manifest: manifest.update(kind="parrot"))
    desk.store.keep(directory, notice := desk.notice(directory))
    return notice


def outside(desk: Desk) -> Notice:
    return desk.notice(desk.bundle("9"), path="../bundle-9")


def under_another_name(desk: Desk) -> Notice:
    return msgspec.structs.replace(desk.kept("9"), version="10")


def with_another_manifest(desk: Desk) -> Notice:
    return msgspec.structs.replace(desk.kept("9"), sha256="a" * 64)


@pytest.mark.parametrize(
    "make",
    [altered, ungated, of_another_kind, outside, under_another_name, with_another_manifest],
    ids=lambda make: make.__name__,
)
def test_what_is_not_fit_is_refused_and_the_old_keeps_serving(
    desk: Desk, make: Callable[[Desk], Notice]
) -> None:
    desk.note(desk.kept("3"))
    desk.settle()
    served = desk.current()
    desk.note(make(desk))

    assert desk.settle()

    assert desk.current() is served
    assert desk.counted() == {"served": 1, "unfit": 1}


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (b"{", b"model"),
        (b"[]", b"model"),
        (b"\xff", b"model"),
        (b" " * 70_000, b"model"),
        (b'{"kind":"model"}', b"model"),
        (None, b"model"),
        (b"{}", b"another"),
        (b"{}", None),
    ],
    ids=str,
)
def test_what_is_no_notice_is_refused_and_the_old_keeps_serving(
    desk: Desk, value: bytes | None, key: bytes | None
) -> None:
    desk.note(desk.kept("3"))
    desk.settle()
    desk.note(value, key=key)

    assert desk.settle()

    assert desk.serves == "3"
    assert desk.counted() == {"served": 1, "malformed": 1}


def test_a_notice_of_another_kind_or_under_another_key_is_none_of_the_topic(desk: Desk) -> None:
    desk.settle()
    desk.note(notice := desk.kept("3"), topic=LISTS, key=b"tiny")
    desk.note(msgspec.structs.replace(notice, kind="gazetteer"), topic=LISTS, key=b"other")
    desk.note(msgspec.structs.replace(notice, kind="gazetteer"))

    assert desk.settle()

    assert desk.serves == "from-the-settings"
    assert desk.counted() == {"malformed": 3}


def test_what_is_not_in_the_store_yet_is_waited_for(desk: Desk) -> None:
    desk.settle()
    directory = desk.bundle("3")
    desk.note(notice := desk.notice(directory))

    assert not desk.settle()
    desk.now = WAIT_SECONDS - 1
    assert not desk.settle()
    desk.store.keep(directory, notice)
    assert desk.settle()

    assert desk.serves == "3"
    assert desk.counted() == {"served": 1}


def test_what_never_shows_up_in_the_store_is_refused_after_its_time(desk: Desk) -> None:
    desk.settle()
    desk.note(desk.notice(desk.bundle("3")))

    assert not desk.settle()
    desk.now = WAIT_SECONDS
    assert desk.settle()

    assert desk.serves == "from-the-settings"
    assert desk.counted() == {"absent": 1}


def test_a_notice_that_is_waited_for_holds_no_newer_one_up(desk: Desk) -> None:
    desk.settle()
    desk.note(desk.notice(desk.bundle("3")))
    desk.settle()
    desk.note(desk.kept("4"))

    assert desk.settle()

    assert desk.serves == "4"
    assert desk.counted() == {"served": 1}


def test_with_keys_only_what_one_of_them_signed_is_served(tmp_path: Path) -> None:
    ours, strange = (Keys.make(tmp_path / name) for name in ("ours", "strange"))
    desk = Desk(tmp_path / "desk", public_key=ours.public)
    desk.settle()
    notice = desk.kept("3")
    good = signed(notice, read_private_key(ours.private))

    for bad in (
        notice,
        signed(notice, read_private_key(strange.private)),
        msgspec.structs.replace(good, base=Announced("tiny", "2", "b" * 64)),
    ):
        desk.note(bad)
        assert desk.settle()
    assert (desk.serves, desk.counted()) == ("from-the-settings", {"unsigned": 3})
    desk.note(good)
    assert desk.settle()
    assert desk.serves == "3"


def test_a_list_goes_the_same_way_under_its_own_name_and_can_be_retracted(desk: Desk) -> None:
    desk.settle()
    notice = msgspec.structs.replace(desk.kept("3"), kind="gazetteer")
    desk.note(notice, topic=LISTS, key=b"tiny")
    desk.note(desk.kept("4"))

    assert desk.settle()
    desk.note(None, topic=LISTS, key=b"tiny")
    assert desk.settle()

    assert desk.loaded_lists == ["tiny 3", "tiny retracted"]
    assert (desk.serves, desk.current().run) == ("4", "3")
    assert desk.counted() == {"served": 2, "retracted": 1}


def test_a_load_is_a_stage_of_its_own_while_it_lasts(desk: Desk) -> None:
    desk.note(msgspec.structs.replace(desk.kept("3"), kind="gazetteer"), topic=LISTS, key=b"tiny")

    assert desk.settle()

    assert desk.stages_while_loading == ["load"]
    assert desk.stages.now() == []


def test_with_keys_nothing_is_retracted_by_a_record_that_cannot_be_signed(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path / "keys")
    desk = Desk(tmp_path / "desk", public_key=keys.public)
    desk.settle()
    desk.note(None, topic=LISTS, key=b"tiny")

    assert desk.settle()

    assert (desk.loaded_lists, desk.counted()) == ([], {"unsigned": 1})


@pytest.mark.parametrize("error", [ZeroDivisionError("text"), OSError("text"), BundleError("text")])
def test_a_loader_that_fails_in_any_way_leaves_the_old_one_serving(
    desk: Desk, error: Exception
) -> None:
    def fail(notice: Notice, directory: Path) -> Change:
        raise error

    notices = Notices(
        {TOPIC: Followed("model", TOPIC, fail)},
        store=desk.store,
        keys=(),
        wait_seconds=0,
        current=desk.current,
        metrics=desk.metrics,
    )
    asyncio.run(notices.settle())
    notices.note(Record(TOPIC, 0, 0, MODEL_KEY.encode(), encode(desk.kept("3"))))

    assert asyncio.run(notices.settle())

    assert desk.serves == "from-the-settings"
    assert desk.counted() == {"unfit": 1}
