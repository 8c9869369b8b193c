"""Settings come from file, secrets and environment; what can't be used is refused by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from onoma.errors import WrongUseError
from onoma.settings import Settings, load

SECRET = "hunter2-the-secret"
Monkey = pytest.MonkeyPatch
CONTRADICTIONS: tuple[tuple[str, str, dict[str, dict[str, object]]], ...] = (
    (
        "kafka.security_protocol",
        "kafka.sasl_username and kafka.sasl_password",
        {"kafka": {"security_protocol": "SASL_SSL", "sasl_username": "alice"}},
    ),
    (
        "kafka.ssl_certificate_file",
        "kafka.ssl_key_file",
        {"kafka": {"ssl_certificate_file": "worker.crt"}},
    ),
    (
        "kafka.session_timeout_seconds",
        "kafka.heartbeat_interval_seconds",
        {"kafka": {"session_timeout_seconds": 8, "heartbeat_interval_seconds": 3}},
    ),
    (
        "kafka.rebalance_timeout_seconds",
        "delivery.publish_timeout_seconds",
        {
            "kafka": {"rebalance_timeout_seconds": 25},
            "delivery": {"publish_timeout_seconds": 20},
        },
    ),
    (
        "delivery.transaction_timeout_seconds",
        "delivery.publish_timeout_seconds",
        {"delivery": {"transaction_timeout_seconds": 20}},
    ),
    (
        "watchdog.publish_seconds",
        "delivery.publish_timeout_seconds",
        {
            "delivery": {"publish_timeout_seconds": 60, "transaction_timeout_seconds": 70},
            "watchdog": {"publish_seconds": 120},
        },
    ),
    (
        "watchdog.rebalance_seconds",
        "kafka.rebalance_timeout_seconds",
        {"watchdog": {"rebalance_seconds": 100}},
    ),
    ("topics.documents", "topics.entities", {"topics": {"entities": "documents.v1"}}),
    ("topics.documents", "topics.dead_letters", {"topics": {"dead_letters": "entities.v1"}}),
    ("topics.documents", "topics.models", {"topics": {"models": "dead-letters.v1"}}),
    ("store.public_key_file", "store.path", {"store": {"public_key_file": "public.pem"}}),
    (
        "dead_letters.minimum_documents",
        "dead_letters.window_documents",
        {"dead_letters": {"window_documents": 50}},
    ),
)


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: Monkey) -> None:
    for name in os.environ:
        if name.startswith("ONOMA_"):
            monkeypatch.delenv(name)


def written(tmp_path: Path, values: object) -> Path:
    path = tmp_path / "onoma.yaml"
    path.write_text(yaml.safe_dump(values), "utf-8")
    return path


def refused(tmp_path: Path, values: object, *, secrets: Path | None = None) -> str:
    with pytest.raises(WrongUseError) as caught:
        load(written(tmp_path, values), secrets=secrets or tmp_path / "none")
    assert caught.value.exit_code == 2
    return str(caught.value)


def secret_file(tmp_path: Path, name: str, value: bytes) -> Path:
    directory = tmp_path / "secrets"
    directory.mkdir(exist_ok=True)
    (directory / name).write_bytes(value)
    return directory


def test_the_defaults_fit_together(tmp_path: Path) -> None:
    assert load(None, secrets=tmp_path) == Settings()
    assert load(written(tmp_path, None), secrets=tmp_path) == Settings()


def test_the_environment_goes_before_secrets_and_those_before_the_file(
    tmp_path: Path, monkeypatch: Monkey
) -> None:
    path = written(tmp_path, {"kafka": {"group_id": "file", "cluster_name": "file"}})
    secrets = secret_file(tmp_path, "kafka__cluster_name", b"secret\n")
    monkeypatch.setenv("ONOMA_KAFKA__GROUP_ID", "environment")

    kafka = load(path, secrets=secrets).kafka

    assert (kafka.group_id, kafka.cluster_name) == ("environment", "secret")
    assert kafka.session_timeout_seconds == 45


@pytest.mark.parametrize(("knob", "other", "values"), CONTRADICTIONS)
def test_a_contradiction_names_both_knobs(
    tmp_path: Path, knob: str, other: str, values: dict[str, dict[str, object]]
) -> None:
    message = refused(tmp_path, values)

    assert f"onoma.yaml: {knob}: found " in message
    assert other in message
    assert message.count("\n") == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kafka": {"grup_id": "x"}}, "kafka.grup_id: there is no such setting"),
        ({"kafak": {"group_id": "x"}}, "kafak: there is no such setting"),
        ({"processing": {"threads": "many"}}, "processing.threads: found 'many'"),
        ({"processing": {"units_per_call": 10}}, "processing.units_per_call: found 10"),
        (
            {"kafka": {"session_timeout_seconds": float("inf")}},
            "timeout_seconds: found inf",
        ),
        (
            {"kafka": {"session_timeout_seconds": float("nan")}},
            "timeout_seconds: found nan",
        ),
        (
            {"kafka": {"bootstrap_servers": "broker"}},
            "bootstrap_servers: found 'broker'",
        ),
        ({"kafka": {"bootstrap_servers": "a:1,,b:2"}}, "kafka.bootstrap_servers: found '', wanted"),
        (
            {"kafka": {"bootstrap_servers": "kafka://a:1"}},
            "bootstrap_servers: found 'kafka://a:1'",
        ),
        ({"delivery": {"mode": "maybe_once"}}, "delivery.mode: found 'maybe_once'"),
        ({"server": {"port": 70_000}}, "server.port: found 70000"),
        (["kafka"], "found list, wanted sections such as kafka:"),
        ({"kafka": None}, "kafka: found None"),
    ],
)
def test_what_can_not_be_used_is_refused_by_its_name(
    tmp_path: Path, values: object, message: str
) -> None:
    assert message in refused(tmp_path, values)


@pytest.mark.parametrize("servers", ["a:1", "a:1, b:2", "10.0.0.1:9092", "[::1]:9092"])
def test_servers_are_hosts_with_ports(tmp_path: Path, servers: str) -> None:
    path = written(tmp_path, {"kafka": {"bootstrap_servers": servers}})

    assert load(path, secrets=tmp_path / "none").kafka.bootstrap_servers == servers


def test_a_variable_of_no_knob_is_refused(tmp_path: Path, monkeypatch: Monkey) -> None:
    for name in ("ONOMA_KAFAK__GROUP_ID", "ONOMA_KAFKA__GRUP_ID"):
        with monkeypatch.context() as only:
            only.setenv(name, "x")
            with pytest.raises(WrongUseError, match="there is no such setting"):
                load(None, secrets=tmp_path)


def test_a_variable_that_kubernetes_makes_for_a_service_is_none_of_ours(
    tmp_path: Path, monkeypatch: Monkey
) -> None:
    monkeypatch.setenv("ONOMA_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("ONOMA_PORT_9108_TCP", "tcp://10.0.0.1:9108")

    assert load(None, secrets=tmp_path) == Settings()


def test_a_section_in_a_variable_is_json_or_refused_without_its_value(
    tmp_path: Path, monkeypatch: Monkey
) -> None:
    monkeypatch.setenv("ONOMA_KAFKA", '{"group_id": "x"}')
    assert load(None, secrets=tmp_path).kafka.group_id == "x"
    monkeypatch.setenv("ONOMA_KAFKA", f"sasl_password={SECRET}")

    with pytest.raises(WrongUseError, match="environment") as caught:
        load(None, secrets=tmp_path)

    assert SECRET not in str(caught.value)


def test_a_secret_file_is_a_knob_without_its_line_end_and_dotted_names_are_not(
    tmp_path: Path,
) -> None:
    secrets = secret_file(tmp_path, "kafka__sasl_password", f" {SECRET} \r\n".encode())
    (secrets / "..data").mkdir()
    (secrets / ".kafka__group_id").write_text("x")

    kafka = load(None, secrets=secrets).kafka

    assert kafka.sasl_password is not None
    assert kafka.sasl_password.get_secret_value() == f" {SECRET} "
    assert kafka.group_id == "onoma"


def test_secrets_show_in_no_representation_and_no_error(
    tmp_path: Path, monkeypatch: Monkey
) -> None:
    secrets = secret_file(tmp_path, "kafka__sasl_password", SECRET.encode())
    good = load(None, secrets=secrets)
    assert SECRET not in repr(good) + str(good) + good.model_dump_json()

    for values in (
        {"kafka": {"sasl_username": 5}},
        {"kafka": {"security_protocol": "SASL_SSL"}},
        {"kafka": {"sasl_mechanism": "GUESS"}},
        {"kafka": {"session_timeout_seconds": 1}},
        {"delivery": {"publish_timeout_seconds": 1000}},
    ):
        assert SECRET not in refused(tmp_path, values, secrets=secrets)
    assert SECRET not in refused(tmp_path, {"kafka": {"sasl_password": [SECRET]}})
    monkeypatch.setenv("ONOMA_KAFKA__SASL_PASSWORD", SECRET)
    assert SECRET not in refused(tmp_path, {"kafka": {"ssl_check_hostname": "perhaps"}})


@pytest.mark.parametrize(
    "content",
    [
        f"kafka:\n  sasl_password: '{SECRET}\n",
        f"kafka:\n  sasl_password: *{SECRET}\n",
        f"kafka:\n  sasl_password: !{SECRET} x\n",
        f"kafka:\n  sasl_password: {{{SECRET}\n",
        f"kafka: [{SECRET}]\n",
        f"kafka: {SECRET}\n",
        f"kafka:\n  bootstrap_servers: {{sasl_password: {SECRET}}}\n",
        f"kafka:\n  sasl_pasword: {SECRET}\n",
        f"- {SECRET}\n",
    ],
)
def test_a_file_that_cannot_be_used_is_never_quoted(tmp_path: Path, content: str) -> None:
    path = tmp_path / "onoma.yaml"
    path.write_text(content, "utf-8")

    with pytest.raises(WrongUseError) as caught:
        load(path, secrets=tmp_path / "none")

    assert SECRET not in str(caught.value)


def test_a_secret_file_that_is_not_text_is_refused_by_its_name(tmp_path: Path) -> None:
    secrets = secret_file(tmp_path, "kafka__sasl_password", b"\xff\xfe")

    assert "kafka__sasl_password" in refused(tmp_path, {}, secrets=secrets)


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "onoma.yaml"
    for content in (b"kafka: [", b"\xff\xfe\x00"):
        path.write_bytes(content)

        with pytest.raises(WrongUseError, match=r"onoma\.yaml: is not YAML"):
            load(path, secrets=tmp_path)


def test_every_knob_says_what_it_is() -> None:
    for section in Settings.model_fields.values():
        for name, knob in section.annotation.model_fields.items():  # type: ignore[union-attr]  # each is a section
            assert knob.description, name


def test_a_deadline_of_the_watchdog_below_what_it_takes_to_see_an_outage_is_refused() -> None:
    with pytest.raises(ValueError, match=r"watchdog\.fetch_seconds: found 5.0, wanted 0, or"):
        Settings.model_validate({"watchdog": {"fetch_seconds": 5}})

    assert Settings.model_validate({"watchdog": {"fetch_seconds": 0}}).watchdog.fetch_seconds == 0
