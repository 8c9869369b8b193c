"""A test's own certificate authority and the broker's certificate: EC P-256, by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

_DAYS = "2"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def make_certificates(ca_file: Path, broker_file: Path) -> None:
    """Write the authority's certificate, and the broker's key and certificate in one file."""
    directory = ca_file.parent
    directory.mkdir(parents=True, exist_ok=True)
    ca_key, key = directory / "ca.key", directory / "broker.key"
    request, certificate = directory / "broker.csr", directory / "broker.crt"
    names = directory / "names.txt"
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", "utf-8")
    _openssl(
        *("req", "-x509", *_NEW_KEY, "-days", _DAYS, "-subj", "/CN=onoma tests"),
        *("-keyout", str(ca_key), "-out", str(ca_file)),
    )
    _openssl(
        *("req", "-new", *_NEW_KEY, "-subj", "/CN=127.0.0.1"),
        *("-keyout", str(key), "-out", str(request)),
    )
    _openssl(
        *("x509", "-req", "-in", str(request), "-days", _DAYS, "-extfile", str(names)),
        *("-CA", str(ca_file), "-CAkey", str(ca_key), "-CAcreateserial", "-out", str(certificate)),
    )
    broker_file.write_text(key.read_text("utf-8") + certificate.read_text("utf-8"), "utf-8")


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)
