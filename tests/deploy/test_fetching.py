"""What the init container runs takes an archive only with the right hash, and nothing outside."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.chart import CHART, LEAST, configuration, only, render, with_values
from tests.deploy.served import served
from tests.deploy.shapes import DOWNLOAD

Publish = Callable[..., tuple[str, str]]

pytestmark = pytest.mark.deploy
SCRIPT = CHART / "files" / "fetch.py"
BUNDLE = {"base-1.4/manifest.json": b"{}", "base-1.4/tables/a.bin": b"\x00" * 3000}


@pytest.fixture
def publish(tmp_path: Path) -> Iterator[Publish]:
    """Serve an archive of files; give its address and sha256."""
    directory = tmp_path / "served"
    directory.mkdir()

    def archive(files: dict[str, bytes], odd: bytes | None = None) -> tuple[str, str]:
        path = directory / "bundle.tar.gz"
        with tarfile.open(path, "w:gz") as opened:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                opened.addfile(member, io.BytesIO(content))
            if odd is not None:
                member = tarfile.TarInfo("odd")
                member.type, member.linkname = odd, "/etc"
                opened.addfile(member)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return f"{address}/bundle.tar.gz", digest

    with served(directory) as address:
        yield archive


@pytest.fixture
def target(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    directory.mkdir()
    return directory


def fetch(url: str, digest: str, directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), url, digest, str(directory)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def contents(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_an_archive_with_the_right_hash_is_unpacked_without_its_outer_folder(
    publish: Publish, target: Path
) -> None:
    result = fetch(*publish(BUNDLE), target)

    assert result.returncode == 0, result.stderr
    assert contents(target) == {
        name.removeprefix("base-1.4/"): content for name, content in BUNDLE.items()
    }


def test_another_hash_is_refused_and_nothing_is_left(publish: Publish, target: Path) -> None:
    url, digest = publish(BUNDLE)
    other = "0" * 64

    result = fetch(url, other, target)

    assert result.returncode == 1
    assert digest in result.stderr
    assert other in result.stderr
    assert contents(target) == {}


def test_a_container_that_starts_again_begins_anew(publish: Publish, target: Path) -> None:
    (target / "manifest.json").write_bytes(b"half")
    (target / "old").mkdir()

    assert fetch(*publish({"manifest.json": b"{}", "b": b"c"}), target).returncode == 0
    assert contents(target) == {"manifest.json": b"{}", "b": b"c"}


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside"])
def test_a_file_that_would_lie_outside_is_refused(
    name: str, publish: Publish, target: Path
) -> None:
    result = fetch(*publish({"inside": b"x", name: b"x"}), target)

    outside = target.parent / "outside"
    assert not outside.exists()
    # The filter takes the slash off an absolute name, and refuses the others.
    assert (result.returncode == 0) is name.startswith("/")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_what_is_neither_file_nor_folder_is_refused(
    kind: bytes, publish: Publish, target: Path
) -> None:
    result = fetch(*publish(BUNDLE, odd=kind), target)

    assert result.returncode == 1
    assert "wanted files and folders" in result.stderr


def test_an_address_that_answers_nothing_is_one_line_without_the_address(target: Path) -> None:
    result = fetch("http://127.0.0.1:9/secret-path", "0" * 64, target)

    assert result.returncode == 1
    assert result.stderr.startswith("the archive was not taken: ")
    assert len(result.stderr.splitlines()) == 1
    assert "secret-path" not in result.stderr


def test_the_release_runs_this_very_script(target: Path) -> None:
    objects = render(with_values(LEAST, DOWNLOAD))

    assert configuration(objects)["fetch.py"] == SCRIPT.read_text(encoding="utf-8")
    (container,) = only(objects, "StatefulSet")["spec"]["template"]["spec"]["initContainers"]
    model = DOWNLOAD["model"]
    assert container["command"] == ["python3", "/etc/onoma/fetch.py"]
    assert container["args"] == [model["url"], model["sha256"], "/var/lib/onoma/model"]


def test_nothing_is_downloaded_where_nothing_has_to_be() -> None:
    objects = render(LEAST)

    assert "fetch.py" not in configuration(objects)
    assert "initContainers" not in only(objects, "StatefulSet")["spec"]["template"]["spec"]
