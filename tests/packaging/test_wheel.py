"""The wheel alone, in an environment of its own and outside the checkout, does the main job."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = "Shugaban Najeriya Bola Ahmed Tinubu ya gana da jami'an Bankin Duniya a birnin Abuja."


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(directory)]
    subprocess.run([sys.executable, "-m", "pip", *build, str(ROOT)], check=True)
    (built,) = directory.glob("onoma-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the `onoma` program of an environment that holds the wheel and its dependencies."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    # The libraries are those of this environment, without its `.pth` files: not the checkout.
    (Path(purelib) / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    # Without --ignore-installed pip would take the checkout out of this environment first.
    options = ["install", "--quiet", "--no-deps", "--no-index", "--ignore-installed"]
    target = ["--prefix", str(home), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *options, *target], check=True)
    program = home / "bin" / "onoma"
    program.write_text(program.read_text().replace(sys.executable, str(python)))
    return program


def _run(program: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ONOMA"))}
    return subprocess.run(
        [program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_the_model_the_samples_and_the_schemas(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {
        "onoma/models/default/model.onnx",
        "onoma/models/default/manifest.json",
        "onoma/stream/samples.jsonl",
        "onoma/schemas/document/v1.json",
        "onoma/schemas/entities/v1.json",
    } <= names


def test_the_installed_wheel_annotates_outside_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    result = _run(installed, tmp_path, "annotate", "--text", TEXT, "--json")

    assert result.returncode == 0, result.stderr
    found = {(e["text"], e["label"]) for e in json.loads(result.stdout)["entities"]}
    wanted = {("Bola Ahmed Tinubu", "PER"), ("Bankin Duniya", "ORG"), ("Abuja", "LOC")}
    assert len(found & wanted) >= 2


def test_the_installed_code_is_the_wheels_and_not_the_checkouts(
    installed: Path, tmp_path: Path
) -> None:
    result = _run(installed, tmp_path, "model", "show")

    assert result.returncode == 0, result.stderr
    assert str(installed.parents[1]) in result.stdout.splitlines()[0]
