"""The gate record in a manifest: what was judged, by which checks, and whether it is this bundle.

`onoma model gate` writes it (`gate.py`), `bundle.load` asks for it. The rule: a record is about
exactly one bundle. It names the sha256 of the files it judged and of the manifest without its gate,
so it is worth nothing beside other files, other labels or another decoder; and it names its own
sha256, which events carry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from onoma.errors import BundleError
from onoma.registry.manifest import CARD_NAME, Manifest

UNGATED = "none"
HOW = "run `onoma model gate {directory}`, or set model.allow_ungated: true for a benchmark"


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that was looked at. `passed` is null where it could not be: `note` says why."""

    name: str
    passed: bool | None
    measured: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    note: str = ""


class GateRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands under `gate` in a manifest that passed."""

    sha256: str
    model: str
    version: str
    manifest_sha256: str
    files: dict[str, str]
    date: str
    onoma: str
    runtime: str
    data: str
    checks: tuple[Check, ...]


def record_of(
    manifest: Manifest,
    checks: Sequence[Check],
    *,
    date: str,
    onoma: str,
    runtime: str,
    data: str,
) -> GateRecord:
    """Return the record of `checks` on the bundle of `manifest`; `data` is what scored it."""
    record = GateRecord(
        sha256="",
        model=manifest.name,
        version=manifest.version,
        manifest_sha256=sha256_without_gate(manifest),
        files=manifest.files,
        date=date,
        onoma=onoma,
        runtime=runtime,
        data=data,
        checks=tuple(checks),
    )
    return msgspec.structs.replace(record, sha256=_sha256(record))


def with_gate(manifest: Manifest, record: GateRecord) -> Manifest:
    """Return `manifest` with `record`."""
    return msgspec.structs.replace(manifest, gate=msgspec.to_builtins(record))


def gate_of(directory: Path, manifest: Manifest, *, allow_ungated: bool) -> str:
    """Return the sha256 of the bundle's gate record, as events name it.

    Without a record that is about this bundle: BundleError, or `none` where that is allowed.
    """
    try:
        return checked_gate(directory, manifest).sha256
    except BundleError:
        if not allow_ungated:
            raise
        return UNGATED


def checked_gate(directory: Path, manifest: Manifest) -> GateRecord:
    """Return the gate record of `manifest`. Raises BundleError unless it is about itself."""
    how = HOW.format(directory=directory)
    if manifest.gate is None:
        raise BundleError(f"{directory}: the bundle passed no gate; {how}")
    try:
        record = msgspec.convert(manifest.gate, GateRecord)
    except msgspec.ValidationError as error:
        raise BundleError(f"{directory}: the gate record is none: {error}; {how}") from error
    if (record.model, record.version) != (manifest.name, manifest.version):
        raise BundleError(
            f"{directory}: the gate record is of {record.model} {record.version}, the bundle is "
            f"{manifest.name} {manifest.version}; {how}"
        )
    for name in sorted(record.files.keys() | manifest.files.keys()):
        judged, here = record.files.get(name, "absent"), manifest.files.get(name, "absent")
        if judged != here:
            raise BundleError(
                f"{directory}: the gate judged another {name}: its sha256 was {judged}, here it is "
                f"{here}; {how}"
            )
    if record.manifest_sha256 != sha256_without_gate(manifest):
        raise BundleError(f"{directory}: the manifest was changed after the gate judged it; {how}")
    failed = [check.name for check in record.checks if check.passed is False]
    if record.sha256 != _sha256(record) or failed:
        raise BundleError(f"{directory}: the gate record was altered; {how}")
    return record


def sha256_without_gate(manifest: Manifest) -> str:
    """Return the sha256 of all that the manifest says besides its gate."""
    return _sha256_of(msgspec.structs.replace(manifest, gate=None))


def behaviour_sha256(manifest: Manifest) -> str:
    """Return the sha256 of what decides the answers: files but the card, labels, decoder, windows.

    Unlike the manifest's it stays the same when scores or a gate are written, so a score can name
    the model it is about and still stand in its manifest.
    """
    files = {name: sha256 for name, sha256 in manifest.files.items() if name != CARD_NAME}
    bare = msgspec.structs.replace(manifest, files=files, training={}, scores={}, gate=None)
    return _sha256_of(bare)


def _sha256(record: GateRecord) -> str:
    return _sha256_of(msgspec.structs.replace(record, sha256=""))


def _sha256_of(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
