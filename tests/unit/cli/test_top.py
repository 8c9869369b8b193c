"""`onoma top` on real endpoints: what it says of workers that work, don't, or aren't there."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from onoma.cli import overview_tables
from onoma.cli.overview import History, Overview, overview
from onoma.cli.scraping import Answer, NoAnswer, Scrape, ask, base_address, local_address
from onoma.cli.top import command
from onoma.errors import FatalError, WrongUseError
from onoma.metrics import Metrics
from onoma.settings import Server
from tests.unit.cli.endpoints import Endpoint, new_metrics, scrape, serving

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def worker() -> Iterator[Endpoint]:
    with serving() as endpoint:
        yield endpoint


def _top(*arguments: str) -> Result:
    options = ["--once", "--interval", "0.1", *arguments]
    return CliRunner().invoke(command, options, catch_exceptions=False)


def _json(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_top("--json", *arguments).stdout)
    return found


def _work(metrics: Metrics, documents: int = 20) -> None:
    metrics.count("documents_total", documents, outcome="annotated")
    metrics.count("documents_by_language_total", documents, language="ha", support="trained")
    metrics.count("entities_total", 2 * documents, label="PER", language="ha")
    metrics.count("documents_total", outcome="dead_lettered")
    metrics.count("dead_letters_total", reason="invalid_json")
    metrics.set("consumer_lag_records", 40, topic="documents.v1", partition="0")
    metrics.set("consumer_lag_records", 2, topic="documents.v1", partition="1")
    metrics.extend_gazetteers(["sdn"])
    metrics.set("gazetteer_entries", 18402, gazetteer="sdn")
    metrics.info("gazetteer_info", of={"gazetteer": "sdn"}, version="2026-05", sha256="d" * 64)


def test_it_says_what_a_worker_counted(worker: Endpoint) -> None:
    _work(worker.metrics)

    found = _json(worker.address)

    assert found["seconds"] > 0
    assert found["releases"] == ["1.2.3"]
    (row,) = found["workers"]
    assert (row["state"], row["problem"]) == ("ready", None)
    assert (row["documents"], row["dead_letters"], row["lag_records"]) == (21, 1, 42)
    assert row["documents_per_second"] == 0
    assert row["latency_p99_seconds"] is None
    assert found["languages"] == [
        {
            "language": "ha",
            "documents_per_second": 0,
            "entities_per_second": 0,
            "documents": 20,
            "entities": 40,
        }
    ]
    assert found["dead_letters"] == [{"reason": "invalid_json", "per_second": 0, "dead_letters": 1}]
    assert [(row["kind"], row["name"], row["version"]) for row in found["served"]] == [
        ("model", "fake", "7"),
        ("list", "sdn", "2026-05"),
    ]
    assert [row["entries"] for row in found["served"]] == [None, 18402]


def test_several_workers_are_summed_with_a_row_each(worker: Endpoint) -> None:
    with serving() as other:
        _work(worker.metrics, 20)
        _work(other.metrics, 100)
        other.health.joined = False

        found = _json(worker.address, f"{other.address}/metrics", NOWHERE)

    assert [row["state"] for row in found["workers"]] == ["ready", "not ready", "no answer"]
    assert "no partitions" in found["workers"][1]["problem"]
    assert found["workers"][2]["problem"] == "connection refused"
    assert found["all_workers"]["state"] == "1 of 3"
    assert found["all_workers"]["documents"] == 122
    assert {row["workers"] for row in found["served"]} == {2}


def test_a_worker_that_is_stuck_is_told_from_one_that_waits(
    worker: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onoma.stream.health.STALE_HEARTBEAT_SECONDS", -1.0)

    assert _json(worker.address)["workers"][0]["state"] == "stuck"


def test_without_any_answer_it_says_what_was_tried_and_what_to_do() -> None:
    with pytest.raises(FatalError) as caught:
        _top(NOWHERE, "http://127.0.0.1:2/metrics")

    assert caught.value.exit_code == 1
    for wanted in ("http://127.0.0.1:1/metrics: connection refused", "127.0.0.1:2", "onoma run"):
        assert wanted in str(caught.value)


def test_without_a_url_it_asks_the_worker_of_the_settings(worker: Endpoint, tmp_path: Path) -> None:
    config = tmp_path / "onoma.yaml"
    port = worker.address.rpartition(":")[2]
    config.write_text(f"server: {{host: 0.0.0.0, port: {port}}}\n")

    assert _json("--config", str(config))["workers"][0]["worker"] == f"127.0.0.1:{port}"


def test_the_local_address_is_one_that_can_be_asked() -> None:
    assert local_address(Server()) == "http://127.0.0.1:9108"
    assert local_address(Server(host="::", port=80)) == "http://[::1]:80"
    with pytest.raises(WrongUseError, match=r"server\.port: found 0"):
        local_address(Server(port=0))


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("10.1.2.3:9108", "http://10.1.2.3:9108"),
        ("http://a:1/metrics", "http://a:1"),
        ("https://a/onoma/metrics/", "https://a/onoma/metrics"),
        ("[::1]:9108", "http://[::1]:9108"),
    ],
)
def test_an_address_may_leave_out_scheme_and_path(given: str, address: str) -> None:
    assert base_address(given) == address


@pytest.mark.parametrize(
    "given", ["ftp://a", "file:///etc/passwd", "", "a:b", "http://", "a?b", "u:p@a:1", "[::1"]
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(WrongUseError, match="wanted the address of a worker"):
        base_address(given)


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (b"other_total 1\n", 200, "not as a worker"),
        (b"<html>\x1b[2J</html>", 200, "text format"),
        (b"\xff\xfe", 200, "text format"),
        (b"gone", 404, "answered 404"),
    ],
)
def test_an_endpoint_that_is_no_worker_is_no_answer(body: bytes, status: int, problem: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        answer = ask(f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()

    assert isinstance(answer, NoAnswer)
    assert problem in answer.problem


def test_rates_are_over_the_last_seconds_and_survive_a_worker_that_was_away() -> None:
    history, metrics = History(window_seconds=10.0), new_metrics()
    found: Overview | None = None
    for at in range(0, 41, 4):
        found = _look(history, scrape(metrics, float(at)))
        metrics.count("documents_total", 8, outcome="annotated")
    assert found is not None
    assert found.seconds == 8
    assert found.all_workers.documents_per_second == 2

    assert _look(history, NoAnswer("w", "away")).all_workers.documents_per_second is None
    back = _look(history, scrape(metrics, 60.0))
    assert back.all_workers.documents_per_second is None
    assert back.all_workers.documents == 88


def _look(history: History, answer: Scrape | NoAnswer) -> Overview:
    return overview([answer], history.stretches([answer]))


def _drawn(found: Overview) -> list[str]:
    screen = Console(width=80, file=io.StringIO(), force_terminal=False)
    with screen.capture() as capture:
        screen.print(overview_tables.tables(found, 8200.0))
    return capture.get().splitlines()


def _busy() -> Overview:
    history, silent = History(), NoAnswer("10.100.200.104:9108", "connection refused")
    _looked(history, 0.0, silent)
    return _looked(history, 2.0, silent)


def _looked(history: History, at: float, silent: NoAnswer) -> Overview:
    workers = "10.100.200.101:9108", "a-very-long-name.of-a-worker.example:9108"
    scrapes = [scrape(_busy_metrics(int(at)), at, worker) for worker in workers]
    answers: list[Answer] = [*scrapes, silent]
    return overview(answers, history.stretches(answers))


def _busy_metrics(seconds: int) -> Metrics:
    metrics = new_metrics()
    languages = [f"a{letter}" for letter in "bcdefghijkl"]
    metrics.extend(languages=languages, labels=["PER"], model="fake")
    for number in range(seconds * 100):
        metrics.observe("end_to_end_latency_seconds", 45 if number % 2 else 61)
    metrics.count("tokens_total", seconds * 1_234_567, kind="real")
    for language in sorted(metrics.languages):
        metrics.count("entities_total", seconds * 9_999_999, label="PER", language=language)
    _work(metrics, seconds * 12_345)
    metrics.set("consumer_lag_records", 123_456_789, topic="d", partition="0")
    return metrics


def test_the_view_of_busy_workers_fits_eighty_columns() -> None:
    drawn = _drawn(_busy())
    text = "\n".join(drawn)

    assert max(map(len, drawn)) <= 80
    for shown in ("2 of 3", "246.91 M", "2.47 M", "24,690", ">60"):
        assert shown in text
    assert "10.100.200.104:9108 no answer: connection refused" in text
    assert "7 more" in text
    assert "2 h ago" in text
    # Only a name may be shortened.
    assert [line for line in drawn if "…" in line] == [
        line for line in drawn if line.startswith("a-very-long-name.of-")
    ]


def test_what_workers_say_can_not_move_the_cursor_or_be_markup() -> None:
    metrics = new_metrics(version="\x1b[2J")
    metrics.info("model_info", model="[red]m", version="\x1b]0;x\x07", sha256="", precision="")
    answer = Scrape("w", 0.0, scrape(metrics, 0.0).series, "not ready", "\x1b[31mred\r\n")
    found = overview([answer], [])

    said = "\n".join([*_drawn(found), *overview_tables.lines(found)])

    assert "[red]m" in said
    assert not set(said) & {"\x1b", "\x07", "\r"}
    assert len(overview_tables.lines(found)[0].splitlines()) == 1


def test_a_reader_without_a_terminal_gets_lines(worker: Endpoint) -> None:
    _work(worker.metrics)
    history = History()
    found = _look(history, ask(worker.address))

    (line,) = overview_tables.lines(found)

    assert line.startswith(f"{worker.address.removeprefix('http://')} ready: documents/s -, ")
    assert "lag 42" in line


def test_ctrl_c_ends_it_well_and_gives_the_terminal_back(worker: Endpoint) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "onoma", "top", worker.address, "--interval", "0.1"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        # Whoever runs the tests in the background of a shell ignores it, and so would they.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    shown = b""
    try:
        deadline = time.monotonic() + 60
        while b"rates over" not in shown and time.monotonic() < deadline:
            shown += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        shown += _rest(ours)

        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert shown.rstrip().endswith(b"\x1b[?25h")
    assert b"Traceback" not in shown


def _rest(terminal: int) -> bytes:
    """Return what comes until the other end is closed, or for half a minute."""
    read, deadline = b"", time.monotonic() + 30
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            return read
        if not piece:
            return read
        read += piece
    return read
