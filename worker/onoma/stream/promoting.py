"""Announces models and lists: puts a version into the store, then says in the control topic that it
is to be served.

The counterpart of `control.py`. In that order, so that a notice never names what was not kept; and
with what it follows, so that one message takes it back. Rolling back announces the earlier version
by the notice that lies in the store, with its signature; done again, it goes further back, never
forward.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from onoma.contracts.notice import MODEL_KEY, Announced, Kind, Notice, decode, encode, key_of
from onoma.errors import FatalError
from onoma.gazetteer.served import open_served
from onoma.registry import bundle
from onoma.registry.signing import PublicKeys, SignatureError, check_signature
from onoma.registry.store import announced_of
from onoma.stream.client import partitions_of, producing, reading, up_to_the_ends
from onoma.stream.desk import Desk
from onoma.stream.earlier import (
    announced_list,
    keep_configured_list,
    keep_configured_model,
    keep_list,
)
from onoma.stream.publishing import Message, send_all


async def promote(desk: Desk, directory: Path) -> Notice:
    """Keep the bundle in `directory` and announce it; return its notice. Raises FatalError."""
    model = bundle.load(directory, allow_ungated=desk.settings.model.allow_ungated)
    version = announced_of(model.version)
    before = await announced_last(desk, "model", MODEL_KEY)
    base = _base(before, version) if before else keep_configured_model(desk, version)
    notice = desk.new_notice("model", version, base)
    check_signature(notice, desk.keys)
    # Verified where it lies now: a copy that was there already may have been altered.
    bundle.verify(desk.store.keep(directory, _to_keep(desk, notice)))
    desk.store.fetch(notice)
    await _announce(desk, notice)
    return notice


async def promote_list(desk: Desk, directory: Path) -> Notice:
    """Keep the list in `directory` and all that it stands on, and announce it; return its notice.

    Raises FatalError.
    """
    served = open_served(directory)
    version = announced_list(served)
    before = await announced_last(desk, "gazetteer", version.name)
    base = _base(before, version) if before else keep_configured_list(desk, served)
    notice = desk.new_notice("gazetteer", version, base)
    check_signature(notice, desk.keys)
    open_served(keep_list(desk, served, _to_keep(desk, notice)))
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
            f"{topic}: {newest.name} {newest.version} follows no other version that is known "
            f"here; announce the one to serve with `onoma {kind} promote DIR`: all that were "
            f"announced lie below {desk.store.root / f'{kind}s' / newest.name}"
        )
    notice = desk.store.notice_of(kind, newest.base)
    check_signature(notice, desk.keys)
    desk.store.fetch(notice)
    await _announce(desk, notice)
    return notice


async def announced(desk: Desk, kind: Kind) -> dict[bytes, Notice]:
    """Return the newest notice of each key that workers would look at."""
    partitions = await partitions_of(desk.settings, desk.limits, desk.topic(kind))
    newest: dict[bytes, Notice] = {}
    async with reading(desk.settings, desk.limits, partitions) as consumer:
        async for records in up_to_the_ends(consumer, partitions):
            for record in records:
                if notice := _readable(record.value, desk.keys):
                    newest[record.key] = notice
    return newest


async def announced_last(desk: Desk, kind: Kind, key: str) -> Notice | None:
    """Return the newest notice under `key` that workers would look at, None if there is none."""
    return (await announced(desk, kind)).get(key.encode())


def _readable(value: bytes | None, keys: PublicKeys) -> Notice | None:
    try:
        notice = decode(value or b"")
        check_signature(notice, keys)
    except (msgspec.DecodeError, SignatureError):
        return None
    return notice


def _base(before: Notice, version: Announced) -> Announced | None:
    """Return what `version` follows; announced again, it follows what it followed."""
    return before.base if before.announced == version else before.announced


def _to_keep(desk: Desk, notice: Notice) -> Notice:
    """Return the notice by which `notice`'s version is rolled back to.

    What is announced again after it was followed keeps what it followed the first time, since
    rolling back would else go round in a circle.
    """
    kind, version = notice.kind, notice.announced
    if version not in desk.store.way_back(kind, notice.base):
        return notice
    return desk.new_notice(kind, version, desk.store.notice_of(kind, version).base)


async def _announce(desk: Desk, notice: Notice) -> None:
    message = Message(key_of(notice).encode(), encode(notice), ())
    async with producing(desk.settings) as producer:
        await send_all(producer, desk.topic(notice.kind), [message], desk.settings)
