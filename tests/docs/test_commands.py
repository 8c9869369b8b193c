"""What the README tells a reader to type is typed here, in its order, on a real Kafka."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import Unique
from tests.docs.terminal import PROGRAM, ROOT, Terminal, typed, write_settings
from tests.kafka.broker import KafkaBroker

PAGE = "README.md"


def _commands(program: str) -> list[list[str]]:
    """Return the command lines of the page that call `program`."""
    commands = [shlex.split(line) for line in typed(PAGE)]
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
    """Give a directory with the page's onoma.yaml and a document."""
    write_settings(kafka, unique, tmp_path)
    return tmp_path


@pytest.fixture
def terminal(workplace: Path) -> Iterator[Terminal]:
    opened = Terminal(workplace)
    yield opened
    opened.close()
