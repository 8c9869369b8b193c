"""Signs notices and says whether a signature is one of ours: Ed25519, keys in PEM files.

A notice names the sha256 of a manifest and the manifest those of all files, so that a signed notice
is a signed bundle. The rule: where public keys are set, a notice without a good signature is
nobody's. Neither keys nor signatures stand in an error.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from onoma.contracts.notice import Notice
from onoma.errors import FatalError, WrongUseError

HOW_TO_MAKE_KEYS = (
    "`openssl genpkey -algorithm ed25519 -out FILE` makes a private key, "
    "`openssl pkey -in FILE -pubout` gives the public one"
)
_PUBLIC_KEY = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)

PrivateKey = Ed25519PrivateKey
PublicKeys = Sequence[Ed25519PublicKey]


class SignatureError(FatalError):
    """A notice that is not signed by one of the keys of the settings."""


def read_public_keys(path: Path) -> tuple[Ed25519PublicKey, ...]:
    """Return the keys of a PEM file, one or several: while keys change, the old and the new one."""
    blocks = _PUBLIC_KEY.findall(_read(path, "store.public_key_file"))
    keys = []
    for block in blocks:
        try:
            key = load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise WrongUseError(
                f"store.public_key_file: {path} holds a key that is no Ed25519 public key; "
                f"{HOW_TO_MAKE_KEYS}"
            )
        keys.append(key)
    if not keys:
        raise WrongUseError(
            f"store.public_key_file: {path} holds no public key in PEM; {HOW_TO_MAKE_KEYS}"
        )
    return tuple(keys)


def read_private_key(path: Path) -> PrivateKey:
    """Return the private key of a PEM file without a password."""
    try:
        key = load_pem_private_key(_read(path, "--sign-with"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise WrongUseError(
            f"--sign-with: {path} is no Ed25519 private key in PEM without a password; "
            f"{HOW_TO_MAKE_KEYS}"
        )
    return key


def signed(notice: Notice, key: PrivateKey) -> Notice:
    """Return `notice` with its signature."""
    signature = base64.b64encode(key.sign(notice.signed_bytes())).decode()
    return msgspec.structs.replace(notice, signature=signature)


def check_signature(notice: Notice, keys: PublicKeys) -> None:
    """Raise SignatureError unless one of `keys` signed `notice`; without keys nothing is asked."""
    if not keys:
        return
    if notice.signature is None:
        raise SignatureError(
            "the notice is not signed, and store.public_key_file is set; wanted one of "
            "`onoma model promote --sign-with`"
        )
    try:
        signature = base64.b64decode(notice.signature, validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if not any(_is_good(signature, notice, key) for key in keys):
        raise SignatureError("the notice's signature is of no key in store.public_key_file")


def _is_good(signature: bytes, notice: Notice, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(signature, notice.signed_bytes())
    except InvalidSignature:
        return False
    return True


def _read(path: Path, knob: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongUseError(f"{knob}: {path} can't be read: {error.strerror}") from error
