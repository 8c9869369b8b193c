"""What has to be mended is said in a line that names it, before a worker runs and when it does."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from onoma.registry.bundle import default_directory
from tests.conftest import Unique
from tests.kafka.broker import ALICE, KafkaBroker
from tests.kafka.process import free_ports
from tests.stream.conftest import NewWorker
from tests.stream.topics import Topics, publish, short_documents
from tests.stream.worker import Config, Worker

WRONG = "not-the-password"


def check(
    directory: Path, config: Config, *, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    worker = Worker(directory, config, environment=environment)
    return worker.command("check")


def sasl(broker: KafkaBroker, mechanism: str = "SCRAM-SHA-512") -> dict[str, object]:
    settings: dict[str, object] = {
        "security_protocol": str(broker.security.protocol),
        "sasl_mechanism": mechanism,
        "sasl_username": ALICE.name,
    }
    if broker.security.tls:
        settings["ssl_ca_file"] = str(broker.ca_file)
    return settings


def password(value: str) -> dict[str, str]:
    return {"ONOMA_KAFKA__SASL_PASSWORD": value}


def test_check_finds_nothing_where_a_worker_can_run(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path
) -> None:
    topics = Topics.create(kafka, unique, partitions=1)

    checked = check(tmp_path, topics.config())

    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.split("\n")[:4] == [
        "policy: ok",
        "model: ok",
        "gazetteers: ok",
        "kafka: ok",
    ]


def test_check_names_a_broker_that_is_away(tmp_path: Path) -> None:
    (port,) = free_ports(1)

    checked = check(tmp_path, {"kafka": {"bootstrap_servers": f"127.0.0.1:{port}"}})

    assert checked.returncode == 1
    assert f"kafka.bootstrap_servers: 127.0.0.1:{port}: can't be reached" in checked.stdout
    assert checked.stderr == ""


def test_check_names_each_missing_topic_and_how_to_make_it(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path
) -> None:
    topics = Topics.named(kafka, unique)

    checked = check(tmp_path, topics.config())

    assert checked.returncode == 1
    for knob, name in (
        ("documents", topics.documents),
        ("entities", topics.entities),
        ("dead_letters", topics.dead_letters),
    ):
        assert f"topics.{knob}: found no topic {name}" in checked.stdout
    assert "onoma topics create" in checked.stdout


def test_check_names_sizes_and_partition_counts_that_do_not_fit(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path
) -> None:
    topics = Topics.create(kafka, unique, partitions=3)
    kafka.create_topic(small := unique("small"), 3, {"max.message.bytes": "1048588"})
    kafka.create_topic(few := unique("few"), 2, {"max.message.bytes": "17825792"})

    checked = check(tmp_path, topics.config(topics={"entities": small, "dead_letters": few}))

    assert checked.returncode == 1
    assert f"topics.entities: found max.message.bytes 1048588 on {small}, wanted" in checked.stdout
    assert f"topics.dead_letters: found 2 partitions in {few}, wanted at least the 3" in (
        checked.stdout
    )


def test_check_names_a_documents_topic_whose_records_the_dead_letters_could_not_take(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path
) -> None:
    topics = Topics.create(kafka, unique, partitions=1)
    kafka.create_topic(large := unique("large"), 1, {"max.message.bytes": "20000000"})

    checked = check(tmp_path, topics.config(topics={"documents": large}))

    assert checked.returncode == 1
    assert f"topics.dead_letters: found max.message.bytes 16842752 on {topics.dead_letters}" in (
        checked.stdout
    )
    assert f"wanted 20065536, for {large} takes 20000000" in checked.stdout


def test_check_names_an_altered_model_file_and_a_worker_refuses_it(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=1)
    altered = tmp_path / "bundle"
    shutil.copytree(default_directory(), altered)
    with (altered / "model.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"\x00altered")
    config = topics.config(model={"path": str(altered)})

    checked = check(tmp_path / "check", config)
    worker = new_worker(config)
    worker.start()

    assert checked.returncode == 1
    assert "model.onnx" in checked.stdout
    assert "kafka: ok" in checked.stdout
    assert worker.wait_for_end() == 1
    assert "model.onnx" in worker.log
    assert "Traceback" not in worker.log


def test_check_prints_json_for_programs(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    worker = Worker(tmp_path, {"kafka": {"bootstrap_servers": f"127.0.0.1:{port}"}})

    checked = worker.command("check", "--json")

    found = json.loads(checked.stdout)
    assert (found["policy"], found["model"]) == ([], [])
    assert found["kafka"][0].startswith("kafka.bootstrap_servers")


def test_a_worker_without_its_topics_ends_after_its_time_and_names_them(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.named(kafka, unique)
    worker = new_worker(topics.config(kafka={"start_retry_seconds": 2}))
    worker.start()

    assert worker.wait_for_end(20) == 1

    last = worker.log.splitlines()[-3:]
    assert last[0].startswith(f"onoma: topics.documents: found no topic {topics.documents}")
    assert "Traceback" not in worker.log


def test_a_wrong_password_is_named_and_never_shown(
    kafka_with_acls: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka_with_acls, unique, partitions=1)
    config = topics.config(kafka={**sasl(kafka_with_acls), "start_retry_seconds": 1})

    checked = check(tmp_path, config, environment=password(WRONG))
    worker = new_worker(config, environment=password(WRONG))
    worker.start()

    assert checked.returncode == 1
    assert "refused the user or password (SCRAM-SHA-512)" in checked.stdout
    assert "kafka.sasl_password" in checked.stdout
    assert worker.wait_for_end(20) == 1
    assert "refused the user or password (SCRAM-SHA-512)" in worker.log.splitlines()[-1]
    assert WRONG not in checked.stdout + checked.stderr + worker.log


@pytest.mark.parametrize("denied", ["documents", "entities", "models", "group", "transactional id"])
def test_what_access_rules_deny_is_named(
    kafka_with_acls: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker, denied: str
) -> None:
    topics = Topics.create(kafka_with_acls, unique, partitions=1)
    topics.create_control()
    for knob, name in {
        "documents": topics.documents,
        "entities": topics.entities,
        "dead_letters": topics.dead_letters,
        "alerts": topics.alerts,
        "gazetteers": topics.gazetteers,
        "models": topics.models,
    }.items():
        kafka_with_acls.allow(ALICE, "topic", name, "DESCRIBE", "DESCRIBE_CONFIGS")
        if denied != knob:
            kafka_with_acls.allow(ALICE, "topic", name, "READ", "WRITE")
    if denied != "group":
        kafka_with_acls.allow(ALICE, "group", topics.group, "READ")
    if denied != "transactional id":
        name = f"{topics.group}.{topics.documents}.0"
        kafka_with_acls.allow(ALICE, "transactional id", name, "DESCRIBE", "WRITE")
    publish(kafka_with_acls, topics.documents, short_documents(1, partitions=1, seed=7))
    config = topics.config(kafka=sasl(kafka_with_acls), store={"path": str(tmp_path)})
    worker = new_worker(config, environment=password(ALICE.password))
    worker.start()

    assert worker.wait_for_end(30) == 1
    last = worker.log.splitlines()[-1]
    wanted = {
        "documents": f"topic {topics.documents} (read)",
        "entities": f"topic {topics.entities} (write)",
        "models": f"topic {topics.models} (read)",
        "group": f"the consumer group {topics.group}",
        "transactional id": f"transactional ids with the prefix {topics.group}.",
    }
    assert f"onoma: Kafka denies access to {wanted[denied]}" in last
    assert "Traceback" not in worker.log
    assert ALICE.password not in worker.log


def test_check_names_each_topic_that_may_not_be_looked_at(
    kafka_with_acls: KafkaBroker, unique: Unique, tmp_path: Path
) -> None:
    topics = Topics.create(kafka_with_acls, unique, partitions=1)
    kafka_with_acls.allow(ALICE, "topic", topics.dead_letters, "WRITE", "DESCRIBE")

    checked = check(
        tmp_path, topics.config(kafka=sasl(kafka_with_acls)), environment=password(ALICE.password)
    )

    assert checked.returncode == 1
    for knob, name, operation in (
        ("documents", topics.documents, "read"),
        ("entities", topics.entities, "write"),
    ):
        assert f"topics.{knob}: Kafka denies access to topic {name}; allow" in checked.stdout
        assert f"to describe it and to {operation} it" in checked.stdout
    assert topics.dead_letters not in checked.stdout


def test_a_worker_with_the_rights_of_the_documentation_processes_documents(
    kafka_with_acls: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka_with_acls, unique, partitions=1)
    kafka_with_acls.allow(ALICE, "topic", topics.documents, "READ", "DESCRIBE")
    for name in (topics.entities, topics.dead_letters):
        kafka_with_acls.allow(ALICE, "topic", name, "WRITE", "DESCRIBE")
    kafka_with_acls.allow(ALICE, "group", topics.group, "READ")
    name = f"{topics.group}.{topics.documents}.0"
    kafka_with_acls.allow(ALICE, "transactional id", name, "DESCRIBE", "WRITE")
    config = topics.config(kafka=sasl(kafka_with_acls, "PLAIN"))
    publish(kafka_with_acls, topics.documents, short_documents(20, partitions=1, seed=8))

    checked = check(tmp_path, config, environment=password(ALICE.password))
    worker = new_worker(config, environment=password(ALICE.password))
    worker.start()
    topics.wait_done()

    assert checked.returncode == 0, checked.stdout
    assert worker.stop() == 0
    assert len(topics.events(until=20)) == 20


def test_a_worker_processes_documents_over_tls_with_a_password_in_the_environment(
    kafka_with_tls: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka_with_tls, unique, partitions=2)
    config = topics.config(kafka=sasl(kafka_with_tls))
    publish(kafka_with_tls, topics.documents, short_documents(40, partitions=2, seed=9))

    checked = check(tmp_path, config, environment=password(ALICE.password))
    worker = new_worker(config, environment=password(ALICE.password))
    worker.start()
    topics.wait_done()

    assert checked.returncode == 0, checked.stdout
    assert worker.stop() == 0
    assert len(topics.events(until=40)) == 40
    assert ALICE.password not in worker.log + checked.stdout


def test_check_names_an_authority_that_did_not_sign_the_broker(
    kafka_with_tls: KafkaBroker, unique: Unique, tmp_path: Path
) -> None:
    kafka = {**sasl(kafka_with_tls), "bootstrap_servers": kafka_with_tls.bootstrap}
    del kafka["ssl_ca_file"]

    checked = check(tmp_path, {"kafka": kafka}, environment=password(ALICE.password))

    assert checked.returncode == 1
    assert "TLS failed" in checked.stdout
    assert "kafka.ssl_ca_file" in checked.stdout


def test_settings_that_contradict_each_other_are_wrong_use(tmp_path: Path) -> None:
    config = {"kafka": {"session_timeout_seconds": 1, "heartbeat_interval_seconds": 1}}

    checked = check(tmp_path, config)

    assert checked.returncode == 2
    assert "kafka.session_timeout_seconds" in checked.stderr
    assert "kafka.heartbeat_interval_seconds" in checked.stderr
