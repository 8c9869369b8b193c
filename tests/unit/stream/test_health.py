"""The probes say what is so, and go on saying it while the event loop is stuck."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from onoma.errors import WrongUseError
from onoma.settings import Server
from onoma.stream import health as module
from onoma.stream.health import Health, HealthServer


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def server(health: Health) -> Iterator[HealthServer]:
    server = HealthServer(Server(port=0), health, lambda: b"onoma_up 1\n")
    server.start()
    yield server
    server.stop()


def asked(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(server.address + path, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_worker_is_started_once_its_model_is_loaded(server: HealthServer, health: Health) -> None:
    assert asked(server, "/startupz") == (503, "the model is not loaded yet\n")
    health.started = True
    assert asked(server, "/startupz") == (200, "ok\n")


def test_a_worker_is_ready_with_model_broker_and_partitions(
    server: HealthServer, health: Health
) -> None:
    assert asked(server, "/readyz") == (503, "the model is not loaded yet\n")
    health.started = True
    assert asked(server, "/readyz") == (503, "the broker does not answer\n")
    health.broker_answers = True
    assert asked(server, "/readyz")[0] == 503
    health.joined = True
    assert asked(server, "/readyz") == (200, "ok\n")
    health.broker_answers = False
    assert asked(server, "/readyz")[0] == 503


def test_a_worker_is_alive_while_its_loop_beats_whatever_the_broker_does(
    server: HealthServer, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(server, "/livez") == (200, "ok\n")
    monkeypatch.setattr(module, "STALE_HEARTBEAT_SECONDS", -1.0)
    status, told = asked(server, "/livez")
    assert status == 503
    assert "the event loop has been stuck" in told
    monkeypatch.undo()
    health.beat()
    assert asked(server, "/livez")[0] == 200


def test_metrics_are_served_and_other_paths_say_what_there_is(server: HealthServer) -> None:
    assert asked(server, "/metrics?name[]=x") == (200, "onoma_up 1\n")
    status, told = asked(server, "/")
    assert status == 404
    assert "/metrics, /startupz, /livez, /readyz" in told


def test_a_port_that_is_taken_is_refused_by_its_knob(server: HealthServer) -> None:
    port = int(server.address.rpartition(":")[2])

    with pytest.raises(WrongUseError, match=f"server.port: found {port} on server.host 127.0.0.1"):
        HealthServer(Server(port=port), Health(), bytes)


def test_a_server_that_was_never_started_can_be_stopped() -> None:
    HealthServer(Server(port=0), Health(), bytes).stop()
