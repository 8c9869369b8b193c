"""Whatever a source holds, it becomes entries that a segment can keep, or one clear error."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import decode, encode
from onoma.gazetteer.readers.formats import FORMATS
from tests.unit.gazetteer.readers.reading import Read, read
from tests.unit.gazetteer.readers.test_ofac import PRIMARY
from tests.unit.gazetteer.readers.test_un import HEAD, LIST

WHOLE = {
    "ofac": PRIMARY,
    "un": HEAD + LIST,
    "csv": 'id,name,aliases,type\n1,"Vant, Orbal",O.;Orb,person\n2,Meliva,,\n',
    "jsonl": '{"id": "1", "name": "Orbal", "aliases": ["a", "b"]}\n{"id": 2, "name": "Meliva"}\n',
    "ftm": '{"id": "1", "schema": "Person", "properties": {"name": ["Orbal"], "alias": ["O"]}}\n',
    "spacy": '{"label": "ORG", "pattern": [{"LOWER": "meliva"}], "id": "m"}\n',
    "stanford": "PERSON Orbal Vant\nORG Meliva\n",
}
PIECES = st.sampled_from(
    [b"\x00", b"\xff", b"\xc3", b'"', b"\n", b"\r", b",", b"{", b"[", b"}", b"null", b"1e999", b"<",
     b"</", b"<!DOCTYPE a>", b"&lt;", b"&x;", b"\\ud800", b"-0-", b"\x1f\x8b", b"\xef\xbb\xbf",
     b"[[[[[[", b"999999999999999999999999", b"\x1a", b"\xe2\x80\x8f"]
)  # fmt: skip


def _read_or_refused(format_name: str, content: bytes) -> Read | None:
    try:
        return read(format_name, content)
    except GazetteerError:
        return None


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_whole_source_is_read(format_name: str) -> None:
    assert read(format_name, WHOLE[format_name]).entries


@pytest.mark.parametrize("format_name", FORMATS)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_source_with_bytes_cut_out_and_put_in_is_read_or_refused(
    format_name: str, data: st.DataObject
) -> None:
    content = WHOLE[format_name].encode()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 12)))
        put = data.draw(PIECES | st.binary(max_size=4))
        content = content[:start] + put + content[end:]
    found = _read_or_refused(format_name, content)

    for entry in found.entries if found else ():
        assert decode(encode(entry)) == entry
        assert all(any(map(str.isalnum, name.text)) for name in entry.names)


@pytest.mark.parametrize("format_name", FORMATS)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(format_name: str, content: bytes) -> None:
    _read_or_refused(format_name, content)
