"""A test's own certificate authority and what it signs: EC P-256, by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_DAYS = "2"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


def make_authority(ca_file: Path) -> None:
    """Write the certificate of a new authority, and its key beside it."""
    ca_file.parent.mkdir(parents=True, exist_ok=True)
    _openssl(
        *("req", "-x509", *_NEW_KEY, "-days", _DAYS, "-subj", "/CN=onoma tests"),
        *("-keyout", str(_key_of(ca_file)), "-out", str(ca_file)),
    )


def issue(ca_file: Path, directory: Path, name: str) -> Certificate:
    """Write a key and a certificate for loopback, signed by the authority of `ca_file`."""
    directory.mkdir(parents=True, exist_ok=True)
    issued = Certificate(directory / f"{name}.crt", directory / f"{name}.key")
    request, names = directory / f"{name}.csr", directory / f"{name}.txt"
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", "utf-8")
    _openssl(
        *("req", "-new", *_NEW_KEY, "-subj", f"/CN={name}"),
        *("-keyout", str(issued.key), "-out", str(request)),
    )
    _openssl(
        *("x509", "-req", "-in", str(request), "-days", _DAYS, "-extfile", str(names)),
        *("-CA", str(ca_file), "-CAkey", str(_key_of(ca_file)), "-CAcreateserial"),
        *("-out", str(issued.certificate)),
    )
    return issued


def encrypt_key(key: Path, password: str) -> None:
    """Put a password on a private key."""
    encrypted = key.with_suffix(".encrypted")
    _openssl(
        *("pkey", "-in", str(key), "-aes256", "-passout", f"pass:{password}"),
        *("-out", str(encrypted)),
    )
    encrypted.replace(key)


def make_certificates(ca_file: Path, broker_file: Path) -> None:
    """Write the authority's certificate, the broker's key and certificate in one file, and what
    the tests' own clients show.
    """
    make_authority(ca_file)
    broker = issue(ca_file, ca_file.parent, "broker")
    issue(ca_file, ca_file.parent, "client")
    broker_file.write_text(
        broker.key.read_text("utf-8") + broker.certificate.read_text("utf-8"), "utf-8"
    )


def client_certificate(ca_file: Path) -> Certificate:
    """Return what the tests' own clients show."""
    return Certificate(ca_file.parent / "client.crt", ca_file.parent / "client.key")


def _key_of(ca_file: Path) -> Path:
    return ca_file.with_suffix(".key")


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)
