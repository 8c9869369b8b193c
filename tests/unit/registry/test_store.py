"""The store gives back what was put in, by hash, and leads nobody out of its directory."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import msgspec
import pytest

from onoma.contracts.entities import ModelVersion
from onoma.contracts.notice import Announced, Notice
from onoma.errors import BundleError
from onoma.registry import bundle
from onoma.registry.store import NotInStoreError, Store, bundle_of
from tests.notices import notice_of, version_of
from tests.tiny_bundle import tiny_bundle


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "source")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_what_is_kept_is_fetched_whole_and_is_a_bundle_still(store: Store, source: Path) -> None:
    notice = notice_of(store, source)

    kept = store.keep(source, notice)

    assert store.fetch(notice) == kept.resolve()
    assert kept == store.root / "models" / "tiny" / "3" / notice.sha256
    assert bundle.verify(kept) == bundle.verify(source)
    assert store.notice_of("model", notice.announced) == notice
    assert names_in(kept.parent) == [notice.sha256, f"{notice.sha256}.json"]


def test_the_way_back_ends_where_no_more_is_known(store: Store, source: Path) -> None:
    second = notice_of(store, source)
    gone = Announced("tiny", "1", "a" * 64)
    store.keep(source, msgspec.structs.replace(second, base=gone))

    assert store.way_back("model", second.announced) == (second.announced, gone)
    assert store.way_back("model", None) == ()


def test_a_version_that_is_there_stays_and_its_notice_becomes_the_last_one(
    store: Store, source: Path
) -> None:
    first = notice_of(store, source)
    store.keep(source, first)
    again = msgspec.structs.replace(first, base=Announced("tiny", "2", "b" * 64))

    store.keep(source, again)

    assert store.notice_of("model", first.announced) == again
    assert names_in(store.root / "models" / "tiny" / "3") == [
        first.sha256,
        f"{first.sha256}.json",
    ]


def test_every_version_is_kept_beside_the_others(
    store: Store, source: Path, tmp_path: Path
) -> None:
    other = tiny_bundle(tmp_path / "other", change=lambda manifest: manifest.update(temperature=2))
    notices = [notice_of(store, directory) for directory in (source, other)]

    for directory, notice in zip((source, other), notices, strict=True):
        store.keep(directory, notice)

    assert [store.fetch(each).name for each in notices] == [each.sha256 for each in notices]


@pytest.mark.parametrize(
    "path",
    ["..", "../elsewhere", "models/../../elsewhere", "/etc", ".", "models/..", "link", "a\0b"],
)
def test_a_path_that_leads_out_of_the_store_is_refused(
    store: Store, source: Path, tmp_path: Path, path: str
) -> None:
    store.root.mkdir()
    shutil.copytree(source, tmp_path / "elsewhere")
    (store.root / "link").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(BundleError, match=r"leads out of store\.path") as caught:
        store.fetch(notice_of(store, source, path=path))

    assert not isinstance(caught.value, NotInStoreError)


def test_what_is_not_there_yet_is_told_from_what_is_wrong(
    store: Store, source: Path, tmp_path: Path
) -> None:
    notice = notice_of(store, source)
    with pytest.raises(NotInStoreError, match=r"found no manifest\.json"):
        store.fetch(notice)
    kept = store.keep(source, notice)
    (kept / "model.onnx").rename(tmp_path / "model.onnx")
    with pytest.raises(NotInStoreError, match=r"model\.onnx of its manifest is not there"):
        store.fetch(notice)
    (kept / "manifest.json").write_bytes(b"{}")
    with pytest.raises(BundleError, match="announced was") as caught:
        store.fetch(notice)

    assert not isinstance(caught.value, NotInStoreError)


def test_a_manifest_that_is_none_is_refused(store: Store, source: Path) -> None:
    for wrong in (b"[]", b"{", b'{"files": 7}'):
        (source / "manifest.json").write_bytes(wrong)
        sha256 = hashlib.sha256(wrong).hexdigest()
        notice = Notice(kind="model", name="n", version="1", sha256=sha256, path="models/n")
        target = store.root / "models" / "n"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)

        with pytest.raises(BundleError, match="is no manifest"):
            store.fetch(notice)


def test_a_copy_that_fails_leaves_nothing_and_says_what_is_wanted(
    store: Store, source: Path
) -> None:
    (source / "directory").mkdir()
    notice = Notice(kind="model", name="n", version="1", sha256="a" * 64, path="models/n")

    with pytest.raises(BundleError, match=r"store\.path: .* can't be written"):
        store.keep(source, notice)

    assert names_in(store.root / "models" / "n" / "1") == []


def test_the_bundle_of_an_event_is_found_in_the_store_or_where_the_settings_have_it(
    store: Store, source: Path, tmp_path: Path
) -> None:
    elsewhere = tiny_bundle(
        tmp_path / "elsewhere", change=lambda manifest: manifest.update(version="4")
    )
    kept = store.keep(source, notice_of(store, source))

    def event_of(directory: Path) -> ModelVersion:
        version = version_of(directory)
        return ModelVersion(version.name, version.version, version.sha256, "none")

    assert bundle_of(event_of(source), store) == kept
    assert bundle_of(event_of(elsewhere), store, [source, elsewhere]) == elsewhere
    with pytest.raises(NotInStoreError):
        bundle_of(event_of(elsewhere), store, [source])
    with pytest.raises(NotInStoreError, match=r"set store\.path"):
        bundle_of(event_of(elsewhere), None)
