"""Puts strangers' words on a terminal: keys, headers and names come from whoever could publish.

Its rule: nothing in them can move the cursor, colour the screen or turn the reading direction.
"""

from __future__ import annotations

import sys
import unicodedata

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 120
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def console() -> Console:
    """Return the console of standard output, wide where that is no terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)


def printable(text: str) -> str:
    """Return `text` in one line, with control characters written out."""
    return "".join(_written_out(character) for character in text)


def _written_out(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _DIRECTION:
        return character.encode("unicode_escape").decode()
    return character
