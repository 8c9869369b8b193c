"""Published files, as they were opened elsewhere: unpacked, decoded, counted in lines.

The rule: bytes that are not what they claim to be are an error that names the file and the line,
never a replacement character and never the end of the list.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from onoma.errors import GazetteerError, WrongUseError

MAX_LINE_BYTES = 1024 * 1024
"""No list has such a line; a file without line ends is no list."""
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_END_OF_FILE = "\x1a"
"""OFAC ends its files with the mark of CP/M, on a line of its own."""


@dataclass(frozen=True, slots=True)
class Source:
    """An opened file: `name` is how messages call it. Packed ones are told by their first bytes."""

    name: str
    stream: BinaryIO
    encoding: str = "utf-8"

    def unpacked(self) -> BinaryIO:
        """Return the stream from its start, unpacked where it is packed."""
        packed = self.stream.read(2) == _GZIP_MAGIC
        self.stream.seek(0)
        return gzip.GzipFile(fileobj=self.stream) if packed else self.stream  # type: ignore[return-value]  # a BinaryIO in all but name

    def chunks(self, size: int = 64 * 1024) -> Iterator[bytes]:
        """Yield the unpacked bytes."""
        stream = self.unpacked()
        try:
            while chunk := stream.read(size):
                yield chunk
        except (OSError, EOFError, zlib.error) as error:
            raise GazetteerError(f"{self.name}: can't be unpacked: {error}") from error

    def lines(self) -> Iterator[str]:
        """Yield decoded lines with their ends."""
        stream, number = self.unpacked(), 0
        try:
            while line := stream.readline(MAX_LINE_BYTES):
                number += 1
                if len(line) == MAX_LINE_BYTES:
                    raise GazetteerError(
                        f"{self.name}:{number}: the line has {MAX_LINE_BYTES} bytes or more; "
                        "wanted a list with a record on each"
                    )
                text = self._decoded(line.removeprefix(_BYTE_ORDER_MARK), number)
                if text.strip() != _END_OF_FILE:
                    yield text
        except (OSError, EOFError, zlib.error) as error:
            raise GazetteerError(
                f"{self.name}:{number}: can't be unpacked any further: {error}"
            ) from error

    def _decoded(self, line: bytes, number: int) -> str:
        if b"\x00" in line:
            raise GazetteerError(
                f"{self.name}:{number}: found a zero byte, so it is no text of one byte a letter; "
                "convert the file to UTF-8"
            )
        try:
            return line.decode(self.encoding)
        except LookupError as error:
            raise WrongUseError(f"{error}; wanted one that Python knows, as utf-8") from error
        except UnicodeDecodeError as error:
            raise GazetteerError(
                f"{self.name}:{number}: byte {error.start + 1} is not {self.encoding}: "
                f"{error.reason}; give the right one with --encoding, or convert the file"
            ) from error
