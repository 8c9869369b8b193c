"""A notice is ours when one of the keys signed all of it; keys that are none are told by file."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import msgspec
import pytest

from onoma.contracts.notice import Announced, Notice
from onoma.errors import WrongUseError
from onoma.registry.signing import (
    SignatureError,
    check_signature,
    read_private_key,
    read_public_keys,
    signed,
)
from tests.keys import Keys

NOTICE = Notice(kind="model", name="tiny", version="3", sha256="a" * 64, path="models/tiny")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.make(tmp_path / "keys")


def test_what_was_signed_with_the_private_key_is_good_for_the_public_one(keys: Keys) -> None:
    notice = signed(NOTICE, read_private_key(keys.private))

    check_signature(notice, read_public_keys(keys.public))
    assert msgspec.structs.replace(notice, signature=None) == NOTICE


def test_openssl_says_the_same_of_a_signature(keys: Keys, tmp_path: Path) -> None:
    notice = signed(NOTICE, read_private_key(keys.private))
    (tmp_path / "signature").write_bytes(base64.b64decode(notice.signature or ""))
    (tmp_path / "signed").write_bytes(notice.signed_bytes())

    subprocess.run(
        [
            *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(keys.public), "-rawin"),
            *("-in", str(tmp_path / "signed"), "-sigfile", str(tmp_path / "signature")),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "gazetteer"},
        {"name": "other"},
        {"version": "4"},
        {"sha256": "b" * 64},
        {"base": Announced("tiny", "2", "b" * 64)},
        {"path": "models/other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_notice_that_was_changed_after_it_was_signed_is_refused(
    keys: Keys, change: dict[str, object]
) -> None:
    notice = signed(NOTICE, read_private_key(keys.private))

    with pytest.raises(SignatureError, match="is of no key"):
        check_signature(msgspec.structs.replace(notice, **change), read_public_keys(keys.public))


@pytest.mark.parametrize("signature", ["", "no base64!", "AAAA", "é", base64.b64encode(b"x" * 64)])
def test_a_signature_that_is_none_is_refused(keys: Keys, signature: str | bytes) -> None:
    text = signature if isinstance(signature, str) else signature.decode()

    with pytest.raises(SignatureError, match="is of no key"):
        check_signature(
            msgspec.structs.replace(NOTICE, signature=text), read_public_keys(keys.public)
        )


def test_an_unsigned_notice_is_refused_only_where_there_are_keys(keys: Keys) -> None:
    check_signature(NOTICE, ())
    with pytest.raises(SignatureError, match="is not signed"):
        check_signature(NOTICE, read_public_keys(keys.public))


def test_while_keys_change_the_file_holds_the_old_and_the_new_one(
    keys: Keys, tmp_path: Path
) -> None:
    newer, stranger = (Keys.make(tmp_path / name) for name in ("newer", "stranger"))
    both = tmp_path / "both.pem"
    both.write_bytes(keys.public.read_bytes() + newer.public.read_bytes())

    for each in (keys, newer):
        check_signature(signed(NOTICE, read_private_key(each.private)), read_public_keys(both))
    with pytest.raises(SignatureError):
        check_signature(signed(NOTICE, read_private_key(stranger.private)), read_public_keys(both))


def test_files_that_hold_no_such_key_are_named_and_never_quoted(keys: Keys, tmp_path: Path) -> None:
    rsa = tmp_path / "rsa.pem"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-out", str(rsa)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    rsa_public = tmp_path / "rsa.pub"
    subprocess.run(
        ["openssl", "pkey", "-in", str(rsa), "-pubout", "-out", str(rsa_public)],
        check=True,
        capture_output=True,
        timeout=30,
    )
    text = tmp_path / "canary.txt"
    text.write_text("canary-of-a-key")

    for path in (keys.private, rsa_public, text, tmp_path / "none.pem"):
        with pytest.raises(WrongUseError, match=r"store\.public_key_file") as caught:
            read_public_keys(path)
        assert str(path) in str(caught.value)
        assert "canary" not in str(caught.value).replace(str(path), "")
    for path in (keys.public, rsa, text, tmp_path / "none.pem"):
        with pytest.raises(WrongUseError, match="--sign-with") as caught:
            read_private_key(path)
        assert str(path) in str(caught.value)
