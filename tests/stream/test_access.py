"""Certificates let a worker in and are changed by a restart; secrets and texts show nowhere."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker, Protocol, Security
from tests.kafka.certificates import Certificate, encrypt_key, issue, make_authority
from tests.stream.conftest import NewWorker
from tests.stream.topics import Message, Topics, document, publish, short_documents
from tests.stream.worker import Worker

CANARY = "canary-of-a-secret"
TEXT_CANARY = "Kanarienvogel"


@pytest.fixture(scope="module")
def with_certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    security = Security(protocol=Protocol.SSL)
    with KafkaBroker(tmp_path_factory.mktemp("mtls"), security=security) as broker:
        yield broker


def install(issued: Certificate, directory: Path) -> None:
    """Put a certificate and its key where the worker's settings look for them."""
    directory.mkdir(exist_ok=True)
    shutil.copy(issued.certificate, directory / "worker.crt")
    shutil.copy(issued.key, directory / "worker.key")


def shown(worker: Worker) -> str:
    """Return all that others see of a running worker: its log, its command line, its figures."""
    return "\n".join([worker.log, *psutil.Process(worker.pid).cmdline(), worker.exposition()])


def test_a_certificate_lets_a_worker_in_and_a_restart_takes_the_next_one(
    with_certificates: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    broker, mounted, issued = with_certificates, tmp_path / "mounted", tmp_path / "issued"
    topics = Topics.create(broker, unique, partitions=1)
    worker = new_worker(
        topics.config(
            kafka={
                "security_protocol": "SSL",
                "ssl_ca_file": str(broker.ca_file),
                "ssl_certificate_file": str(mounted / "worker.crt"),
                "ssl_key_file": str(mounted / "worker.key"),
            },
            logs={"level": "debug"},
        ),
        environment={"ONOMA_KAFKA__SSL_KEY_PASSWORD": CANARY},
    )
    for number in (0, 1):
        certificate = issue(broker.ca_file, issued, f"worker-{number}")
        encrypt_key(certificate.key, CANARY)
        install(certificate, mounted)
        publish(broker, topics.documents, short_documents(10, partitions=1, seed=number))
        worker.start()
        topics.wait_done()
        assert CANARY not in shown(worker)
        assert worker.stop() == 0
    assert len(topics.events(until=20)) == 20

    make_authority(tmp_path / "strange" / "ca.crt")
    strange = issue(tmp_path / "strange" / "ca.crt", issued, "strange")
    encrypt_key(strange.key, CANARY)
    install(strange, mounted)
    checked = worker.command("check")
    assert checked.returncode == 1
    assert "kafka.ssl_certificate_file" in checked.stdout
    encrypt_key(issue(broker.ca_file, issued, "other").key, "another-password")
    install(Certificate(issued / "other.crt", issued / "other.key"), mounted)
    checked_again = worker.command("check")
    assert checked_again.returncode != 0
    assert "kafka.ssl_key_password" in checked_again.stdout
    for each in (checked, checked_again):
        assert CANARY not in each.stdout + each.stderr
        assert "Traceback" not in each.stdout + each.stderr


def test_nothing_of_a_document_shows_in_figures_probes_or_log(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=1)
    text = f"{TEXT_CANARY} met Amina {TEXT_CANARY} in Kano."
    header = (("trace", TEXT_CANARY.encode()),)
    records = [
        document("1", text, language="ha", tenant=TEXT_CANARY),
        document(TEXT_CANARY, text, metadata={TEXT_CANARY: TEXT_CANARY}),
        document("3", text, language=f"x-{TEXT_CANARY}"),
        document("4", text, **{TEXT_CANARY: 1}),
        document("5", f"{TEXT_CANARY}\ud800"),
        b'{"document_id": 7, "text": "' + TEXT_CANARY.encode() + b'"}',
        b'{"text": "' + TEXT_CANARY.encode(),
        TEXT_CANARY.encode() + b"\xff",
    ]
    publish(
        kafka,
        topics.documents,
        [Message(value, key=TEXT_CANARY.encode(), headers=header) for value in records],
    )
    worker = new_worker(topics.config(logs={"level": "debug"}))
    worker.start()
    worker.wait_ready()
    topics.wait_done()

    assert worker.metric("onoma_documents_total") == len(records)
    assert worker.metric("onoma_dead_letters_total") >= 3
    seen = shown(worker) + "".join(answers(worker, "/readyz", "/livez", "/startupz", "/"))
    assert TEXT_CANARY.lower() not in seen.lower()
    assert worker.stop() == 0


def answers(worker: Worker, *paths: str) -> Iterator[str]:
    for path in paths:
        try:
            with urllib.request.urlopen(worker.address + path, timeout=5) as answer:
                yield f"{answer.headers}{answer.read().decode()}"
        except urllib.error.HTTPError as error:
            with error:
                yield f"{error.headers}{error.read().decode()}"
