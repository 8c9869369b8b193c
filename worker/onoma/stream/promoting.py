"""Announces models and lists: puts a version into the store, then says in the control topic that it
is to be served.

The counterpart of `control.py`. In that order, so that a notice never names what was not kept; and
with what it follows, so that one message takes it back. Rolling back announces the earlier version
as it was announced: its notice lies in the store, with its signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from onoma.contracts.notice import MODEL_KEY, Announced, Kind, Notice, decode, encode, key_of
from onoma.contracts.policy import Limits
from onoma.errors import BundleError, FatalError, WrongUseError
from onoma.gazetteer.chain import open_chain
from onoma.gazetteer.served import ServedList, open_served
from onoma.registry import bundle
from onoma.registry.gate_record import gate_of
from onoma.registry.signing import PrivateKey, PublicKeys, SignatureError, check_signature, signed
from onoma.registry.store import Store, announced_of
from onoma.settings import Settings
from onoma.stream.client import partitions_of, producing, reading, up_to_the_ends
from onoma.stream.publishing import Message, send_all


@dataclass(frozen=True, slots=True)
class Desk:
    """Where versions are announced, and what with."""

    settings: Settings
    limits: Limits
    store: Store
    keys: PublicKeys
    sign_with: PrivateKey | None = None

    def topic(self, kind: Kind) -> str:
        """Return the control topic of a kind."""
        topics = self.settings.topics
        return topics.models if kind == "model" else topics.gazetteers


async def promote(desk: Desk, directory: Path) -> Notice:
    """Keep the bundle in `directory` and announce it; return its notice. Raises FatalError."""
    model = bundle.load(directory, allow_ungated=desk.settings.model.allow_ungated)
    version = announced_of(model.version)
    before = await announced_last(desk, "model", MODEL_KEY)
    base = _base(before, version) if before else _keep_first(desk, version)
    notice = _new_notice(desk, "model", version, base)
    check_signature(notice, desk.keys)
    # Verified where it lies now: a copy that was there already may have been altered.
    bundle.verify(desk.store.keep(directory, notice))
    desk.store.fetch(notice)
    await _announce(desk, notice)
    return notice


async def promote_list(desk: Desk, directory: Path) -> Notice:
    """Keep the list in `directory` and all that it stands on, and announce it; return its notice.

    Raises FatalError.
    """
    served = open_served(directory)
    version = _announced_list(served)
    before = await announced_last(desk, "gazetteer", version.name)
    notice = _new_notice(desk, "gazetteer", version, _base(before, version))
    check_signature(notice, desk.keys)
    for below in _below(served):
        if not desk.store.directory_of("gazetteer", below[0]).is_dir():
            desk.store.keep(below[1], _new_notice(desk, "gazetteer", below[0], None))
    open_served(desk.store.keep(directory, notice))
    desk.store.fetch(notice)
    await _announce(desk, notice)
    return notice


async def roll_back(desk: Desk, kind: Kind, key: str) -> Notice:
    """Announce again what was announced under `key` before the newest; return its notice. Raises
    FatalError.
    """
    topic = desk.topic(kind)
    newest = await announced_last(desk, kind, key)
    if newest is None:
        raise FatalError(f"{topic}: found no notice, so there is nothing to roll back")
    if newest.base is None:
        raise FatalError(
            f"{topic}: {newest.name} {newest.version} follows no other version; announce the one "
            f"to serve with `onoma {kind} promote`"
        )
    notice = desk.store.notice_of(kind, newest.base)
    check_signature(notice, desk.keys)
    desk.store.fetch(notice)
    await _announce(desk, notice)
    return notice


async def announced_last(desk: Desk, kind: Kind, key: str) -> Notice | None:
    """Return the newest notice under `key` that workers would look at, None if there is none."""
    partitions = await partitions_of(desk.settings, desk.limits, desk.topic(kind))
    newest = None
    async with reading(desk.settings, desk.limits, partitions) as consumer:
        async for records in up_to_the_ends(consumer, partitions):
            for record in records:
                if record.key == key.encode():
                    newest = _readable(record.value, desk.keys) or newest
    return newest


def _readable(value: bytes | None, keys: PublicKeys) -> Notice | None:
    try:
        notice = decode(value or b"")
        check_signature(notice, keys)
    except (msgspec.DecodeError, SignatureError):
        return None
    return notice


def _base(before: Notice | None, version: Announced) -> Announced | None:
    """Return what `version` follows; announced again, it follows what it followed."""
    if before is None:
        return None
    return before.base if before.announced == version else before.announced


def _announced_list(served: ServedList) -> Announced:
    version = served.version
    return Announced(version.name, version.version, version.sha256)


def _below(served: ServedList) -> list[tuple[Announced, Path]]:
    """Return the segments below a list, the oldest first."""
    if served.matcher is None:
        return []
    return [
        (
            Announced(segment.manifest.name, segment.manifest.version, segment.sha256),
            segment.directory,
        )
        for segment in open_chain(served.directory).segments[:-1]
    ]


def _keep_first(desk: Desk, next_: Announced) -> Announced | None:
    """Keep what workers serve before anything is announced: the first rollback leads there."""
    settings = desk.settings
    directory = settings.model.path or bundle.default_directory()
    try:
        manifest, sha256 = bundle.verify(directory)
        gate_of(directory, manifest, allow_ungated=settings.model.allow_ungated)
    except BundleError:
        return None
    version = Announced(manifest.name, manifest.version, sha256)
    if version == next_:
        return None
    desk.store.keep(directory, _new_notice(desk, "model", version, None))
    return version


def _new_notice(desk: Desk, kind: Kind, version: Announced, base: Announced | None) -> Notice:
    notice = desk.store.new_notice(kind, version, base)
    try:
        decode(encode(notice))  # what is made here is not checked, what is read is
    except msgspec.DecodeError as error:
        raise WrongUseError(
            f"a {kind} called {version.name!r} {version.version!r} can't be announced: {error}; "
            "wanted letters, digits and . _ + - in name and version"
        ) from error
    return notice if desk.sign_with is None else signed(notice, desk.sign_with)


async def _announce(desk: Desk, notice: Notice) -> None:
    message = Message(key_of(notice).encode(), encode(notice), ())
    async with producing(desk.settings) as producer:
        await send_all(producer, desk.topic(notice.kind), [message], desk.settings)
