"""What the documents tell a reader to type is typed here, in their order, on a real Kafka."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).parent / "onoma"
PAGE = "README.md"


def _blocks(language: str) -> list[str]:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def _commands(program: str) -> list[list[str]]:
    """Return the command lines of the page that call `program`."""
    lines = [line for block in _blocks("console") for line in block.splitlines()]
    commands = [shlex.split(line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]
    return [command for command in commands if Path(command[0]).name == program]


def test_every_make_target_of_the_page_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for _, target in _commands("make")}

    assert named
    assert named <= targets


@pytest.mark.parametrize("command", [c for c in _commands("onoma") if "annotate" in c], ids=str)
def test_the_commands_that_need_no_kafka_work_as_written(command: list[str]) -> None:
    result = subprocess.run(
        [PROGRAM, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout


def test_the_commands_on_a_real_kafka_work_in_their_order(
    terminal: Terminal, workplace: Path, kafka: KafkaBroker
) -> None:
    commands = [command for command in _commands("onoma") if "--config" in command]
    for command in commands:
        terminal.type_in(command[1:])

    topics = yaml.safe_load((workplace / "onoma.yaml").read_text())["topics"]
    (event,) = kafka.read(topics["entities"], until=1)

    assert len(commands) >= 5
    assert b"report.txt" in (event.value or b"")


@pytest.fixture
def workplace(kafka: KafkaBroker, unique: Unique, tmp_path: Path) -> Path:
    """Give a directory with the page's onoma.yaml, pointed at the tests' broker and topics."""
    (block,) = _blocks("yaml")
    settings = yaml.safe_load(block)
    settings["kafka"] |= {"bootstrap_servers": kafka.bootstrap, "group_id": unique("group")}
    settings["topics"] = {knob: unique(knob) for knob in ("documents", "entities", "dead_letters")}
    settings["server"] = {"port": _free_port()}
    (tmp_path / "onoma.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "report.txt").write_text("Malama Hauwa Danjuma ta isa birnin Kano jiya da yamma.")
    return tmp_path


@pytest.fixture
def terminal(workplace: Path) -> Iterator[Terminal]:
    opened = Terminal(workplace)
    yield opened
    opened.close()


class Terminal:
    """Runs commands one after the other; `run` goes on beside them, as in a second terminal."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._worker: subprocess.Popen[bytes] | None = None

    def type_in(self, arguments: list[str]) -> None:
        if arguments[0] == "run":
            self._worker = subprocess.Popen([PROGRAM, *arguments], cwd=self._directory)
            self._wait_until_ready()
            return
        result = subprocess.run(
            [PROGRAM, *arguments], cwd=self._directory, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{arguments}: {result.stdout}{result.stderr}"

    def close(self) -> None:
        if self._worker is not None:
            self._worker.terminate()
            assert self._worker.wait(30) == 0

    def _wait_until_ready(self) -> None:
        port = yaml.safe_load((self._directory / "onoma.yaml").read_text())["server"]["port"]
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz"):
                    return
            except OSError:
                time.sleep(0.1)
        pytest.fail("the worker was not ready within 30 s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
