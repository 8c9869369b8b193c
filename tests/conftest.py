"""What the tests share: one real Kafka, unique names, and what is said aloud when a part can't run.

A test whose marker needs something that isn't here is skipped with its reason, or fails where the
environment requires that part: `REQUIRE_KAFKA=1`, `REQUIRE_DATA=1`, `REQUIRE_DEPLOY=1`,
`REQUIRE_IMAGE=1`, `REQUIRE_NODE=1`, `REQUIRE_PROMETHEUS=1`, `REQUIRE_TRAIN=1`.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.deploy.image import missing_tools
from tests.kafka.broker import BrokerFailed, KafkaBroker, Protocol, Security
from tests.kafka.classpath import prepare
from tests.kafka.runtime import KafkaUnavailable

Unique = Callable[[str], str]
StartKafka = Callable[[Security], KafkaBroker]

DATA = Path(__file__).parents[2] / "shared" / "data"
ASYNCAPI = Path(__file__).parents[1] / "tools" / "asyncapi"
_NEEDS = ("kafka", "data", "deploy", "image", "node", "prometheus", "train")
_PACKAGES = {"deploy": ("helm_python", "kubernetes_validate"), "train": ("torch", "onnx")}
_PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager", "amtool")
_BROKER_FIXTURES = {"kafka", "kafka_with_acls", "kafka_with_tls", "start_kafka"}
_NOT_RUN = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_NOT_RUN] = Counter()
    # A terminated test run tears its fixtures down too: no broker and no worker outlives it.
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _BROKER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for need in _NEEDS:
        reason = _missing(need) if item.get_closest_marker(need) else None
        if reason is None:
            continue
        item.config.stash[_NOT_RUN][f"{need}: {reason}"] += 1
        required = f"REQUIRE_{need.upper()}"
        if os.environ.get(required) == "1":
            pytest.fail(f"{required}=1, but {reason}", pytrace=False)
        pytest.skip(f"{need}: {reason}")


@functools.cache
def _missing(need: str) -> str | None:
    match need:
        case "kafka":
            return _missing_kafka()
        case "data":
            return None if DATA.is_dir() else f"found no corpora; wanted them in {DATA}"
        case "node":
            return _missing_node()
        case "image":
            return missing_tools()
        case "prometheus":
            missing = [name for name in _PROGRAMS if shutil.which(name) is None]
            return f"found no {', '.join(missing)}; install Debian's packages" if missing else None
        case _:
            absent = [name for name in _PACKAGES[need] if importlib.util.find_spec(name) is None]
            return f"found no {', '.join(absent)}; install onoma[{need}]" if absent else None


def _missing_kafka() -> str | None:
    try:
        prepare()
    except (KafkaUnavailable, BrokerFailed) as error:
        return str(error)
    return None


def _missing_node() -> str | None:
    if shutil.which("node") is None:
        return "found no node; install Node.js"
    installed = ASYNCAPI / "node_modules" / "@asyncapi" / "parser"
    return None if installed.is_dir() else f"found no parser; run npm ci in {ASYNCAPI}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    not_run = config.stash[_NOT_RUN]
    if not not_run:
        return
    terminalreporter.section("could not run here")
    for reason, tests in sorted(not_run.items()):
        terminalreporter.write_line(f"{tests} tests need {reason}")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One broker for all tests that leave it running; topics and groups are `unique`."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_with_acls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One broker where users may do what they were allowed to, by name."""
    security = Security(protocol=Protocol.SASL_PLAINTEXT, acls=True)
    with KafkaBroker(tmp_path_factory.mktemp("acls"), security=security) as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_with_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One broker that takes users with a password over TLS."""
    security = Security(protocol=Protocol.SASL_SSL)
    with KafkaBroker(tmp_path_factory.mktemp("tls"), security=security) as broker:
        yield broker


@pytest.fixture
def start_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartKafka]:
    """Start a broker of the test's own, to stop, to kill or to secure; it ends with the test."""
    started: list[KafkaBroker] = []

    def start(security: Security) -> KafkaBroker:
        broker = KafkaBroker(tmp_path_factory.mktemp("own-kafka"), security=security)
        started.append(broker)
        broker.start()
        return broker

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def unique(request: pytest.FixtureRequest, _numbers: Iterator[int]) -> Unique:
    """Give names for topics and groups that no other test of this run uses."""
    test = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:80]
    return lambda word: f"{word}-{test}-{next(_numbers)}"
