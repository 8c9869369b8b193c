"""A segment gives back what was written, byte for byte checked, and refuses anything else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.errors import GazetteerError
from onoma.gazetteer.arrays import NO_INDEX, from_npy, to_npy
from onoma.gazetteer.entries import QUALITIES, TYPES, Entry, decode, encode, fingerprint
from onoma.gazetteer.manifest import MANIFEST_NAME
from onoma.gazetteer.segment import Segment, open_segment, write_segment
from tests.unit.gazetteer.lists import LENGTHS, entries_called, entry, identity

FEW = (
    entry("b2", "Orbal Vant", "Vant, O."),
    entry("a1", "Tessim Quoro", "Ħesim Quoró", "تسيم"),
    entry("c", "Meliva Trading FZE"),
)


def written(directory: Path, entries: tuple[Entry, ...] = FEW) -> Segment:
    write_segment(directory, entries, identity("1"), LENGTHS, tombstones=["z9"])
    return open_segment(directory, LENGTHS)


@given(entries_called(st.text(min_size=1, max_size=6)))
def test_an_entry_is_decoded_as_it_was_encoded(any_entry: Entry) -> None:
    assert decode(encode(any_entry)) == any_entry


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        entries_called(st.text(min_size=1, max_size=3)),
        max_size=8,
        unique_by=lambda made: made.entry_id,
    )
)
def test_a_segment_gives_back_its_entries_and_their_names(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]
) -> None:
    segment = written(tmp_path_factory.mktemp("any") / "1", tuple(entries))
    names = [name for kept in segment for name in kept.names]

    assert list(segment) == sorted(entries, key=lambda kept: kept.entry_id)
    assert [segment.name(number) for number in range(len(names))] == names
    assert [QUALITIES[code] for code in segment.qualities] == [name.quality for name in names]
    assert [TYPES[code] for code in segment.types] == [kept.type for kept in segment]
    assert segment.index["lengths"].tolist() == [len(name.text) for name in names]
    for row, kept in enumerate(segment):
        assert segment.row_of(kept.entry_id) == row


def test_the_same_entries_in_another_order_make_the_same_bytes(tmp_path: Path) -> None:
    assert written(tmp_path / "a").sha256 == written(tmp_path / "b", FEW[::-1]).sha256


def test_an_id_that_is_not_there_has_no_row(tmp_path: Path) -> None:
    segment = written(tmp_path / "1")

    assert [segment.row_of(absent) for absent in ("", "a", "b3", "zz")] == [None] * 4


def test_what_was_mapped_can_not_be_written_to(tmp_path: Path) -> None:
    segment = written(tmp_path / "1")

    with pytest.raises(ValueError, match="read-only"):
        segment.index["lengths"][0] = 1


def test_a_segment_is_never_written_to_again(tmp_path: Path) -> None:
    written(tmp_path / "1")

    with pytest.raises(GazetteerError, match="already exists"):
        written(tmp_path / "1")


def test_a_segment_that_is_replaced_stays_with_those_who_have_it_open(tmp_path: Path) -> None:
    old = written(tmp_path / "1")
    write_segment(tmp_path / "1", [], identity("2"), LENGTHS, replace=True)

    assert list(open_segment(tmp_path / "1", LENGTHS)) == []
    assert {kept.entry_id for kept in old} == {"a1", "b2", "c"}
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")

    with pytest.raises(GazetteerError, match="can't be written"):
        written(tmp_path / "file" / "1")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["entries.jsonl", "index.lengths.npy", "tombstones.jsonl"])
def test_one_altered_bit_is_refused_with_the_name_of_the_file(tmp_path: Path, name: str) -> None:
    written(tmp_path / "1")
    path = tmp_path / "1" / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(GazetteerError, match=f"{name}: was altered"):
        open_segment(tmp_path / "1", LENGTHS)


def test_a_missing_a_truncated_and_an_additional_file_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "1")
    path = tmp_path / "1" / "types.npy"
    content = path.read_bytes()

    path.write_bytes(b"")
    with pytest.raises(GazetteerError, match=r"types\.npy: was altered"):
        open_segment(tmp_path / "1", LENGTHS)
    path.unlink()
    with pytest.raises(GazetteerError, match=r"types\.npy is in the manifest but"):
        open_segment(tmp_path / "1", LENGTHS)
    path.write_bytes(content)
    (tmp_path / "1" / "notes.txt").write_text("mine")
    with pytest.raises(GazetteerError, match=r"notes\.txt is not in the manifest"):
        open_segment(tmp_path / "1", LENGTHS)


@pytest.mark.parametrize("manifest", ["", "{}", "[", '{"format": "onoma-gazetteer/9"}'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: str) -> None:
    written(tmp_path / "1")
    (tmp_path / "1" / MANIFEST_NAME).write_text(manifest)

    with pytest.raises(GazetteerError, match="is no manifest of this kind"):
        open_segment(tmp_path / "1", LENGTHS)


def test_a_directory_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GazetteerError, match=r"found no readable manifest\.json"):
        open_segment(tmp_path, LENGTHS)


def test_arrays_of_another_version_of_the_index_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "1")

    with pytest.raises(GazetteerError, match="was built for index lengths-1"):
        open_segment(tmp_path / "1", NO_INDEX)
    assert len(open_segment(tmp_path / "1")) == len(FEW)  # entries alone are for all to read


def test_a_well_hashed_file_that_is_no_array_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "1")
    path = tmp_path / "1" / "types.npy"
    other = b"\x93NUMPY\x01\x00\x0a\x00{'a': 1}\n\n"
    manifest = tmp_path / "1" / MANIFEST_NAME
    said = msgspec.json.decode(manifest.read_bytes())
    said["files"]["types.npy"] = hashlib.sha256(other).hexdigest()
    manifest.write_bytes(msgspec.json.encode(said))
    path.write_bytes(other)

    with pytest.raises(GazetteerError, match="is no segment"):
        open_segment(tmp_path / "1", LENGTHS)


def test_arrays_of_objects_are_neither_written_nor_read(tmp_path: Path) -> None:
    objects = np.array([{}], object)
    np.save(tmp_path / "objects.npy", objects)

    with pytest.raises(ValueError, match="Object arrays"):
        to_npy(objects)
    with pytest.raises(ValueError, match="plain numbers"):
        from_npy(memoryview((tmp_path / "objects.npy").read_bytes()))


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3), (0, 4)])
def test_an_array_is_read_as_it_was_written(shape: tuple[int, ...]) -> None:
    array = np.arange(int(np.prod(shape)), dtype=np.uint64).reshape(shape)
    content = to_npy(array)

    assert np.array_equal(from_npy(memoryview(content)), array)
    with pytest.raises(ValueError, match=r"bytes for|EOF|header"):
        from_npy(memoryview(content[:-1]))


def test_a_fingerprint_changes_with_anything_that_the_list_says() -> None:
    one = entry("a1", "Tessim Quoro")
    others = [entry("a1", "Tessim Quoro", remarks="b"), entry("a2", "Tessim Quoro")]

    assert fingerprint(one) == fingerprint(entry("a1", "Tessim Quoro"))
    assert len({fingerprint(one), *map(fingerprint, others)}) == 3
