r"""Gazettes of Stanford NER: a class and a name on each line, parted by blanks.

Format: `useGazettes` and `gazette` of CRFClassifier, whose pattern for a line is
`^(\S+)\s+(.+)$`
(https://nlp.stanford.edu/nlp/javadoc/javanlp/edu/stanford/nlp/ie/NERFeatureFactory.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import Entry, Name, NameKind
from onoma.gazetteer.readers import types
from onoma.gazetteer.readers.columns import id_of
from onoma.gazetteer.readers.found import Found, Notes, Place
from onoma.gazetteer.readers.sources import Source


def read(sources: Sequence[Source], notes: Notes) -> Iterator[Found]:
    """Yield an entry for each line that is not blank."""
    for source in sources:
        for number, line in enumerate(source.lines(), 1):
            if not line.strip():
                continue
            place = Place(source.name, number)
            word, *rest = line.split(maxsplit=1)
            if not rest:
                raise GazetteerError(f"{place}: found one word, wanted a class, a blank and a name")
            notes.read(source)
            kind, text = types.of_word(word), " ".join(rest[0].split())
            name = Name(text, kind=NameKind.PRIMARY)
            yield Found(Entry(entry_id=id_of(kind, text), type=kind, names=(name,)), place)
