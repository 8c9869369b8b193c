"""`onoma demo` shows the whole job and leaves nothing behind."""

from __future__ import annotations

import asyncio
import io
import json
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from rich.cells import cell_len
from rich.console import Console

from onoma.cli.demo import Printer
from onoma.contracts.entities import Coverage, Entity, Language
from onoma.stream.demo import Annotated, Row
from onoma.stream.demo_gathering import Event, Gathered, Outcome, gather
from onoma.stream.samples import samples
from tests.stream.demo import COMMAND, environment, onoma, tiny_bundle
from tests.stream.worker import wait_until

SECONDS = 60.0


class Demo:
    """A demo that goes on running; its temporary files lie below `directory`."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory / "temporary"
        self.directory.mkdir()
        self._output, self._errors = directory / "output", directory / "errors"
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = psutil.Popen(
                [*COMMAND, "demo", *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=environment(TMPDIR=str(self.directory)),
            )

    @property
    def output(self) -> str:
        return self._output.read_text("utf-8")

    @property
    def errors(self) -> str:
        return self._errors.read_text("utf-8")

    def wait_for(self, text: str) -> None:
        def printed() -> bool:
            assert self.process.is_running(), self.errors
            return text in self.output

        try:
            wait_until(printed, f"{text!r} is printed", SECONDS)
        except TimeoutError as error:
            logs = [log.read_text("utf-8") for log in self.directory.glob("*/worker.log")]
            raise AssertionError(f"{error}; {self.output}{self.errors}{logs}") from None

    def commands(self) -> list[list[str]]:
        """Return what it says to type into a second terminal."""
        after = self.output.partition("in a second terminal:\n")[2]
        lines = after.splitlines()
        return [shlex.split(line) for line in lines if line.startswith("  ")]

    def workers(self) -> list[psutil.Process]:
        found: list[psutil.Process] = self.process.children(recursive=True)
        return found

    def left(self) -> list[Path]:
        """Return the temporary files that are still there."""
        return list(self.directory.glob("onoma-*"))

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code: int = self.process.wait(SECONDS)
        return code


NewDemo = Callable[..., Demo]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "model")


@pytest.fixture
def new_demo(tmp_path: Path, model: Path) -> Iterator[NewDemo]:
    """Start demos on a tiny model; none outlives its test."""
    started: list[Demo] = []

    def new(*options: str) -> Demo:
        started.append(Demo(tmp_path, "--model", str(model), *options))
        return started[-1]

    yield new
    for demo in started:
        if demo.process.is_running():
            demo.end(signal.SIGKILL)


@pytest.fixture
def serving(new_demo: NewDemo) -> Demo:
    """Give a demo that has come to its last step."""
    demo = new_demo("--serve")
    demo.wait_for("Ctrl-C ends it")
    return demo


def test_every_sample_has_a_row_with_names_or_a_reason(tmp_path: Path) -> None:
    answer = onoma("demo", TMPDIR=str(tmp_path))

    assert answer.code == 0, answer.errors
    rows = [line for line in answer.output.splitlines() if line.startswith("│ demo-")]
    cells = {row[0]: row for row in ([c.strip() for c in r.strip("│").split("│")] for r in rows)}
    assert list(cells) == [sample.key.decode() for sample in samples()]
    reasons = {name: row[-1] for name, row in cells.items() if "bad" in name}
    assert reasons == {
        "demo-bad-json": "dead letter: invalid_json",
        "demo-bad-text": "dead letter: missing_field",
    }
    good = [row for name, row in cells.items() if name not in reasons]
    assert all(row[5] == "100 %" for row in good)
    assert not [row[0] for row in good if row[6] == "no entities"]
    assert len({row[2] for row in good}) >= 4
    assert int(cells["demo-long"][3].replace(",", "")) > 20_000
    _, _, alerts = answer.output.partition(" alerts from an invented watch list:\n")
    assert "  demo-en: Clara Wendlebury may be WENDLEBURY, Clara (person demo:1 of" in alerts
    assert "score 100.0, alert from 85, found by" in alerts
    assert "clara | clara equal 1.00" in alerts
    assert "demo-kk: Ерлан Тұмарбеков may be Yerlan Tumarbekov" in alerts
    assert "exactly_once is the default" in answer.output
    assert "throughput: 3,000 short documents in" in answer.output
    assert 'onoma_documents_total{outcome="annotated"} 3024.0' in answer.output
    assert list(tmp_path.glob("onoma-*")) == []


def test_it_says_why_exactly_once_is_refused() -> None:
    answer = onoma("demo", "--delivery", "exactly_once")

    assert (answer.code, answer.output) == (2, "")
    assert "has no transactions; wanted at_least_once here" in answer.errors


def test_settings_of_the_environment_do_not_lead_it_elsewhere(model: Path) -> None:
    answer = onoma("demo", "--model", str(model), ONOMA_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1")

    assert answer.code == 0, answer.errors
    assert answer.errors == (
        "the demo ignores ONOMA_KAFKA__BOOTSTRAP_SERVERS of this environment\n"
    )


def test_what_it_says_to_type_works_while_it_serves(serving: Demo, tmp_path: Path) -> None:
    (tmp_path / "my.txt").write_text("Ada went to Kano", "utf-8")
    publish, deadletters, top, curl = serving.commands()

    published, listed, watched = (
        subprocess.run(
            command,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=environment(),
        )
        for command in (publish, deadletters, [*top, "--once", "--json"])
    )

    assert (published.returncode, published.stdout) == (0, "published 1 document to documents.v1\n")
    assert "demo-bad-json" in listed.stdout
    (worker,) = json.loads(watched.stdout)["workers"]
    assert (worker["state"], worker["dead_letters"]) == ("ready", 2)
    serving.wait_for("\nmy.txt: Ada ")
    with urllib.request.urlopen(curl[1], timeout=5) as metrics:
        assert b"onoma_documents_total" in metrics.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_good_order(serving: Demo, number: signal.Signals) -> None:
    (worker,) = serving.workers()

    code = serving.end(number)

    assert code == 0
    assert serving.errors == ""
    assert serving.output.endswith("\nstopped\n")
    assert not worker.is_running()
    assert serving.left() == []


def test_a_signal_before_the_end_is_no_success(new_demo: NewDemo) -> None:
    demo = new_demo()
    demo.wait_for("exactly_once is the default")

    assert demo.end(signal.SIGINT) == 130
    assert "Traceback" not in demo.errors
    assert demo.left() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_demo_that_is_killed_takes_its_worker_along(serving: Demo) -> None:
    (worker,) = serving.workers()

    serving.end(signal.SIGKILL)

    worker.wait(SECONDS)


def test_a_worker_that_fails_ends_it_with_the_reason(tmp_path: Path, model: Path) -> None:
    (model / "README.md").write_text("altered")

    answer = onoma("demo", "--model", str(model))

    assert answer.code == 1
    assert "README.md: was altered" in answer.errors
    assert "Traceback" not in answer.errors


def test_a_worker_that_dies_ends_it_with_the_reason(serving: Demo) -> None:
    (worker,) = serving.workers()

    worker.kill()

    assert serving.process.wait(SECONDS) == 1
    assert "onoma: the worker ended with exit code -9" in serving.errors


def test_it_says_what_it_waits_for_on_a_machine_that_takes_its_time() -> None:
    seconds = 0.0
    slow = iter([[], [], [Outcome("one", None, "invalid_json", 0)], []])
    written = io.StringIO()
    printer = Printer(Console(width=200, file=written))
    gathered = Gathered(frozenset({"one", "two"}))

    async def arrived() -> list[Outcome]:
        nonlocal seconds
        seconds += 6
        return next(slow, [Outcome("two", None, "invalid_json", 0)])

    asyncio.run(gather(gathered, arrived, printer.show, clock=lambda: seconds))

    assert set(gathered.outcomes) == {"one", "two"}
    first, second = written.getvalue().splitlines()
    assert first.startswith("still waiting after 12 s: the worker has answered 0 of 2 documents")
    assert second.startswith("still waiting after 24 s: the worker has answered 1 of 2 documents")
    assert "Ctrl-C ends it" in second


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_fits_the_terminal(width: int) -> None:
    event = Event(
        "demo-ha",
        Language("ha", "Latn", "trained"),
        tuple(Entity(0, 4, "PER", 0.987, f"Hauwa\nDanjuma {number}") for number in range(5)),
        Coverage(20_001, 20_000, 0.99995, 3, True),
    )
    rows = (
        Row(3000, Outcome("demo-ha", event, None, 0)),
        Row(0, Outcome("bad\x1b[2J", None, "invalid_json", 0)),
    )
    written = io.StringIO()

    Printer(Console(width=width, file=written)).show(Annotated(rows, 1.5))

    output = written.getvalue()
    table = [line for line in output.splitlines() if line.startswith(("┃", "│"))]
    assert max(cell_len(line) for line in table) <= width
    words = " ".join(output.replace("│", " ").split())
    assert "Hauwa Danjuma 0" in words
    assert "+2" in words
    assert "99.9 %" in words
    assert "bad\\x1b[2J" in words
    assert "invalid_json" in words
