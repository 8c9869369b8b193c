"""Announces models: puts a bundle into the store, then says in topics.models that it is to be
served.

The counterpart of `control.py`. In that order, so that a notice never names what was not kept; and
with what it follows, so that one message takes it back. Rolling back announces the earlier version
as it was announced: its notice lies in the store, with its signature.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from onoma.contracts.notice import MODEL_KEY, Announced, Notice, decode, encode
from onoma.contracts.policy import Limits
from onoma.errors import BundleError, FatalError, WrongUseError
from onoma.registry import bundle
from onoma.registry.gate_record import gate_of
from onoma.registry.signing import PrivateKey, PublicKeys, SignatureError, check_signature, signed
from onoma.registry.store import Store, announced_of
from onoma.settings import Settings
from onoma.stream.client import partitions_of, producing, reading, up_to_the_ends
from onoma.stream.publishing import Message, send_all


async def promote(
    settings: Settings,
    limits: Limits,
    directory: Path,
    *,
    store: Store,
    keys: PublicKeys,
    sign_with: PrivateKey | None,
) -> Notice:
    """Keep the bundle in `directory` and announce it; return its notice. Raises FatalError."""
    model = bundle.load(directory, allow_ungated=settings.model.allow_ungated)
    version = announced_of(model.version)
    before = await announced_last(settings, limits, keys)
    if before is None:
        base = _keep_first(settings, store, version, sign_with)
    elif before.announced == version:
        base = before.base
    else:
        base = before.announced
    notice = _new_notice(store, version, base, sign_with)
    check_signature(notice, keys)
    # Verified where it lies now: a copy that was there already may have been altered.
    bundle.verify(store.keep(directory, notice))
    store.fetch(notice)
    await _announce(settings, notice)
    return notice


async def roll_back(
    settings: Settings, limits: Limits, *, store: Store, keys: PublicKeys
) -> Notice:
    """Announce again what was announced before the newest; return its notice. Raises FatalError."""
    topic = settings.topics.models
    newest = await announced_last(settings, limits, keys)
    if newest is None:
        raise FatalError(f"{topic}: found no notice, so there is nothing to roll back")
    if newest.base is None:
        raise FatalError(
            f"{topic}: {newest.name} {newest.version} follows no other version; announce the one "
            "to serve with `onoma model promote`"
        )
    notice = store.notice_of("model", newest.base)
    check_signature(notice, keys)
    store.fetch(notice)
    await _announce(settings, notice)
    return notice


async def announced_last(settings: Settings, limits: Limits, keys: PublicKeys) -> Notice | None:
    """Return the newest notice of a model that workers would look at, None if there is none."""
    partitions = await partitions_of(settings, limits, settings.topics.models)
    newest = None
    async with reading(settings, limits, partitions) as consumer:
        async for records in up_to_the_ends(consumer, partitions):
            for record in records:
                if record.key == MODEL_KEY.encode():
                    newest = _readable(record.value, keys) or newest
    return newest


def _readable(value: bytes | None, keys: PublicKeys) -> Notice | None:
    try:
        notice = decode(value or b"")
        check_signature(notice, keys)
    except (msgspec.DecodeError, SignatureError):
        return None
    return notice


def _keep_first(
    settings: Settings, store: Store, next_: Announced, sign_with: PrivateKey | None
) -> Announced | None:
    """Keep what workers serve before anything is announced: the first rollback leads there."""
    directory = settings.model.path or bundle.default_directory()
    try:
        manifest, sha256 = bundle.verify(directory)
        gate_of(directory, manifest, allow_ungated=settings.model.allow_ungated)
    except BundleError:
        return None
    version = Announced(manifest.name, manifest.version, sha256)
    if version == next_:
        return None
    store.keep(directory, _new_notice(store, version, None, sign_with))
    return version


def _new_notice(
    store: Store,
    version: Announced,
    base: Announced | None,
    sign_with: PrivateKey | None,
) -> Notice:
    notice = Notice(
        kind="model",
        name=version.name,
        version=version.version,
        sha256=version.sha256,
        base=base,
        path=store.path_of("model", version),
    )
    try:
        decode(encode(notice))  # what is made here is not checked, what is read is
    except msgspec.DecodeError as error:
        raise WrongUseError(
            f"a model called {version.name!r} {version.version!r} can't be announced: {error}; "
            "wanted letters, digits and . _ + - in name and version"
        ) from error
    return notice if sign_with is None else signed(notice, sign_with)


async def _announce(settings: Settings, notice: Notice) -> None:
    message = Message(MODEL_KEY.encode(), encode(notice), ())
    async with producing(settings) as producer:
        await send_all(producer, settings.topics.models, [message], settings)
