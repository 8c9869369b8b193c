"""Fetches an archive, compares its sha256, and unpacks it: what an init container runs before a
worker starts.

Needs Python's standard library only. Nothing is unpacked before the hash is right; what is unpacked
stays below the directory, and a single folder around everything is taken off. What it says of a
failure is the pod's termination message.
"""

import hashlib
import os
import shutil
import sys
import tarfile
import urllib.request
from pathlib import Path, PurePosixPath

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60


def main() -> int:
    """Fetch argument 1, compare with argument 2, unpack into argument 3; return the exit code."""
    url, wanted, directory = sys.argv[1], sys.argv[2].lower(), Path(sys.argv[3])
    for left_over in directory.iterdir():
        shutil.rmtree(left_over) if left_over.is_dir() else left_over.unlink()
    archive = directory / ".archive"
    try:
        found = fetch(url, archive)
        if found != wanted:
            return fail(f"found sha256 {found}, wanted {wanted}: another archive, or another hash")
        unpack(archive, directory)
    except (OSError, tarfile.TarError, EOFError) as error:
        return fail(f"{type(error).__name__}: {error}")
    finally:
        archive.unlink(missing_ok=True)
    return 0


def fail(reason: str) -> int:
    """Say why, without the address: it may carry credentials."""
    print(f"the archive was not taken: {reason}", file=sys.stderr)
    return 1


def fetch(url: str, archive: Path) -> str:
    """Write what `url` answers to `archive`; return its sha256."""
    digest = hashlib.sha256()
    # The chart's schema takes http and https only.
    request = urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS)  # noqa: S310
    with request as answer, archive.open("wb") as file:
        while chunk := answer.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def unpack(archive: Path, directory: Path) -> None:
    """Unpack files and folders into `directory`; what is neither, or would lie outside, is refused.

    The filters of `tarfile` do this too, but the Python of Debian 12 has none.
    """
    inside = directory / ".inside"
    inside.mkdir()
    with tarfile.open(archive) as opened:
        for member in opened:
            write(opened, member, inside)
    entries = list(inside.iterdir())
    root = entries[0] if len(entries) == 1 and entries[0].is_dir() else inside
    for entry in root.iterdir():
        os.rename(entry, directory / entry.name)
    shutil.rmtree(inside)


def write(opened: tarfile.TarFile, member: tarfile.TarInfo, inside: Path) -> None:
    """Write one member below `inside`. There are no links in it, so a name without `..` stays."""
    parts = PurePosixPath(member.name.lstrip("/")).parts
    if ".." in parts or not (member.isfile() or member.isdir()):
        raise tarfile.TarError("found a link, a device or a name outside, wanted files and folders")
    place = inside.joinpath(*parts)
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    content = opened.extractfile(member)
    with place.open("wb") as file:
        shutil.copyfileobj(content, file, CHUNK_BYTES)


if __name__ == "__main__":
    sys.exit(main())
