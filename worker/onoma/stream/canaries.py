"""What a canary sends and what it expects back: the file of `canary.path`, the shipped one without.

Texts with invented names, the names that have to be found in each, and the entries of planted lists
that have to be hit. Its rule: a text stands there once and for ever, since the policy knows it by
its hash; only the id of the document is new each time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import msgspec

from onoma.contracts.decoders import JSON
from onoma.contracts.document import SYNTHETIC_MARK, Document
from onoma.contracts.policy import Policy
from onoma.errors import WrongUseError
from onoma.stream.publishing import Message

Word = Annotated[str, msgspec.Meta(min_length=1)]
CanaryName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}\Z")]
"""It becomes the value of a metric's label."""
HEADERS = (("content-type", JSON.encode()),)


class ExpectedName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name that the model has to find, and as what."""

    text: Word
    label: Word


class ExpectedHit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry that has to be alerted, where its list is one of `canary.lists`."""

    gazetteer: Word
    entry_id: Word


class Canary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text; each name stands in it once."""

    name: CanaryName
    text: Word
    language: str | None = None
    names: tuple[ExpectedName, ...]
    hits: tuple[ExpectedHit, ...] = ()

    @property
    def text_sha256(self) -> str:
        """Return the hash by which the policy knows the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def spans(self) -> frozenset[tuple[int, int, str]]:
        """Return start, end and label of every name, in code points."""
        starts = [(self.text.index(name.text), name) for name in self.names]
        return frozenset((at, at + len(name.text), name.label) for at, name in starts)

    def message(self, document_id: str, tenant: str | None, partition: int) -> Message:
        """Return the text as a marked document with an id of its own."""
        document = Document(
            document_id=document_id,
            text=self.text,
            language=self.language,
            tenant=tenant,
            metadata={SYNTHETIC_MARK: "true"},
        )
        return Message(document_id.encode(), msgspec.json.encode(document), HEADERS, partition)


class Canaries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; `entries` are for `onoma gazetteer build --format jsonl`, word for word."""

    canaries: Annotated[tuple[Canary, ...], msgspec.Meta(min_length=1)]
    entries: tuple[dict[str, Any], ...] = ()

    def problems(self) -> Iterator[str]:
        """Yield what a schema can't tell, a line for each."""
        for name, count in Counter(canary.name for canary in self.canaries).items():
            if count > 1:
                yield f"{name}: found {count} canaries of that name, wanted one"
        for canary in self.canaries:
            for number, expected in enumerate(canary.names, 1):
                if (count := canary.text.count(expected.text)) != 1:
                    yield f"{canary.name}: found name {number} {count} times in it, wanted it once"

    def unknown_to(self, policy: Policy) -> list[str]:
        """Return the names of the canaries that would pass for real under `policy`."""
        return [each.name for each in self.canaries if each.text_sha256 not in policy.canaries]


def load(path: Path | None) -> Canaries:
    """Return the canaries of the file `path`, the shipped ones without. Raises WrongUseError."""
    shipped = files("onoma.stream").joinpath("canaries.json")
    try:
        data = shipped.read_bytes() if path is None else path.read_bytes()
        found = msgspec.json.decode(data, type=Canaries)
    except OSError as error:
        raise WrongUseError(f"canary.path: {path} can't be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise WrongUseError(f"canary.path: {path} is no file of canaries: {error}") from error
    if problems := list(found.problems()):
        raise WrongUseError("\n".join(f"canary.path: {path}: {line}" for line in problems))
    return found


def refuse_unknown(canaries: Canaries, policy: Policy) -> None:
    """Raise WrongUseError where the policy would take one of `canaries` for real."""
    if unknown := canaries.unknown_to(policy):
        raise WrongUseError(
            f"policy.path: found no hash of the canaries {', '.join(unknown)} in `canaries` of the "
            f"policy {policy.name} {policy.version}, wanted what `onoma canary show --policy` "
            "prints there: else their alerts would pass for real"
        )
