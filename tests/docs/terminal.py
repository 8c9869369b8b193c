"""Types what a page tells a reader to type, one command after the other, in a directory."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import yaml

from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.kafka.process import free_ports
from tests.stream.worker import END_SECONDS, START_SECONDS, wait_until

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).parent / "onoma"


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a page in that language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def typed(page: str) -> list[str]:
    """Return the lines of a page that are typed, without the prompt."""
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def write_settings(kafka: KafkaBroker, unique: Unique, directory: Path) -> None:
    """Write the README's onoma.yaml, pointed at the tests' broker and topics, and a document."""
    (block,) = blocks("README.md", "yaml")
    settings = yaml.safe_load(block)
    settings["kafka"] |= {"bootstrap_servers": kafka.bootstrap, "group_id": unique("group")}
    names = ("documents", "entities", "dead_letters", "alerts", "models", "gazetteers")
    settings["topics"] = {knob: unique(knob) for knob in names}
    settings["server"] = {"port": free_ports(1)[0]}
    (directory / "onoma.yaml").write_text(yaml.safe_dump(settings))
    (directory / "report.txt").write_text("Malama Hauwa Danjuma ta isa birnin Kano jiya da yamma.")


class Terminal:
    """Runs commands one after the other; `run` goes on beside them, as in a second terminal."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._worker: subprocess.Popen[bytes] | None = None

    def type_in(self, arguments: list[str]) -> None:
        """Run `onoma` with these arguments; it has to succeed."""
        if arguments[0] == "run":
            self._worker = subprocess.Popen([PROGRAM, *arguments], cwd=self._directory)
            self._wait_until_ready()
            return
        self.run([str(PROGRAM), *arguments])

    def run(self, command: list[str]) -> None:
        """Run any program; it has to succeed."""
        result = subprocess.run(
            command, cwd=self._directory, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"

    def close(self) -> None:
        """Stop what goes on."""
        if self._worker is not None:
            self._worker.terminate()
            assert self._worker.wait(END_SECONDS) == 0

    def _wait_until_ready(self) -> None:
        port = yaml.safe_load((self._directory / "onoma.yaml").read_text())["server"]["port"]

        def ready() -> bool:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz"):
                    return True
            except OSError:
                return False

        wait_until(ready, "the worker is ready", START_SECONDS)
