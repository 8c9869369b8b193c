"""Values that would not work are refused before anything is installed, with their names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.deploy.chart import CHART, LEAST, Refused, Values, render, with_values
from tests.deploy.shapes import (
    ARCHIVE,
    DEPLOYMENT,
    DOWNLOAD,
    HASH,
    HPA,
    KEDA,
    MUTUAL,
    SASL,
    STORE,
    TOPICS,
)

pytestmark = pytest.mark.deploy

KAFKA = "settings.kafka.security_protocol"

# What is wrong, what it is laid over, and words of the message: the value's name comes first.
BY_SCHEMA: tuple[tuple[Values, str, str], ...] = (
    ({"workload": {"kind": "DaemonSet"}}, "/workload/kind", "'StatefulSet', 'Deployment'"),
    ({"workload": {"membership": "sticky"}}, "/workload/membership", "'static', 'dynamic'"),
    ({"workload": {"replicas": "two"}}, "/workload/replicas", "got string, want integer"),
    ({"workload": {"replicas": -1}}, "/workload/replicas", "minimum"),
    ({"workload": {"replica": 3}}, "/workload", "'replica' not allowed"),
    ({"settigns": {}}, "at ''", "'settigns' not allowed"),
    ({"settings": {"kafak": {}}}, "/settings", "'kafak' not allowed"),
    ({"settings": {"kafka": {"grup_id": "x"}}}, "/settings/kafka", "'grup_id' not allowed"),
    ({"settings": {"processing": {"threads": 1000}}}, "/settings/processing/threads", "256"),
    ({"settings": {"delivery": {"mode": "once"}}}, "/settings/delivery/mode", "exactly_once"),
    ({"settings": {"model": {"allow_ungated": True}}}, "/settings/model/allow_ungated", "false"),
    ({"settings": {"faults": {"die_at": "in_commit"}}}, "/settings", "'faults' not allowed"),
    ({"settings": {"server": {"port": 0}}}, "/settings/server/port", "1"),
    ({"settings": {"kafka": {"bootstrap_servers": None}}}, "/settings/kafka", "bootstrap_servers"),
    ({"settings": {"kafka": {"bootstrap_servers": "broker"}}}, "bootstrap_servers", "pattern"),
    ({"settings": {"shutdown": None}}, "/settings", "missing property 'shutdown'"),
    ({"image": {"repository": None}}, "/image/repository", "got null"),
    ({"model": {"source": "download", "url": "ftp://a/b"}}, "/model/url", "pattern"),
    ({"image": {"digest": "sha256:abc"}}, "/image/digest", "pattern"),
    ({"image": {"repository": "Registry/Onoma"}}, "/image/repository", "pattern"),
    ({"autoscaling": {"kind": "both"}}, "/autoscaling/kind", "'none', 'keda', 'hpa'"),
    ({"autoscaling": {"kind": "keda", "minReplicas": 0}}, "/autoscaling/minReplicas", "minimum"),
    ({"autoscaling": {"keda": {"lagThreshold": "many"}}}, "/autoscaling/keda/lagThreshold", "int"),
    ({"resources": {"limits": {"memory": "much"}}}, "/resources/limits/memory", "pattern"),
    ({"resources": {"limits": {"cpu": None}}}, "/resources/limits", "missing property 'cpu'"),
    ({"runAs": {"user": 0}}, "/runAs/user", "minimum"),
    ({"policy": {"name": "x"}}, "/policy", "missing property 'version'"),
    ({"policy": {"name": "x", "version": "1", "extra": 1}}, "/policy", "'extra' not allowed"),
    ({"store": {"publicKeys": "secret"}}, "/store/publicKeys", "pattern"),
    ({"model": {"source": "hub"}}, "/model/source", "'image', 'claim', 'download'"),
    ({"model": {"source": "download", "url": "file:///etc"}}, "/model/url", "pattern"),
    ({"model": {"source": "claim", "claim": "m", "path": "../x"}}, "/model/path", "not"),
    ({"lists": [{"source": "claim"}]}, "/lists/0", "missing property 'name'"),
    ({"topologySpread": {"whenUnsatisfiable": "Never"}}, "/topologySpread", "ScheduleAnyway"),
    ({"podDisruptionBudget": {"maxUnavailable": 0}}, "/podDisruptionBudget", "minimum"),
    ({"partitions": 1.5}, "/partitions", "integer"),
)

CONTRADICTIONS: tuple[tuple[Values, str, str], ...] = (
    ({"workload": {"kind": "Deployment"}}, "workload.membership: found static", "workload.kind"),
    (
        {"workload": {"terminationGraceSeconds": 34}},
        "workload.terminationGraceSeconds: found 34, wanted at least 35",
        "settings.shutdown.drain_seconds (25)",
    ),
    (
        {"settings": {"shutdown": {"drain_seconds": 51}}},
        "workload.terminationGraceSeconds: found 60, wanted at least 61",
        "drain_seconds (51)",
    ),
    (
        {"resources": {"limits": {"memory": "3Gi"}}},
        "resources.limits.memory: found 3Gi",
        "settings.quarantine.memory_bytes (3221225472)",
    ),
    ({"settings": {"kafka": {"security_protocol": "SASL_SSL"}}}, "sasl.existingSecret", KAFKA),
    ({"sasl": {"existingSecret": "user"}}, "sasl.existingSecret: found user", KAFKA),
    ({"tls": {"existingSecret": "ca"}}, "tls.existingSecret: found ca", KAFKA),
    ({"tls": {"caConfigMap": "ca"}}, "tls.caConfigMap: found ca", KAFKA),
    (
        with_values(MUTUAL, {"tls": {"existingSecret": "", "keyPasswordKey": ""}}),
        "tls.clientCertificate: found true",
        "tls.existingSecret",
    ),
    (
        with_values(MUTUAL, {"tls": {"clientCertificate": False}}),
        "tls.keyPasswordKey: found password",
        "tls.clientCertificate",
    ),
    ({"partitions": 1}, "workload.replicas: found 2, wanted at most", "partitions (1)"),
    (with_values(KEDA, {"partitions": 0}), "partitions: found 0", "autoscaling.kind keda"),
    (with_values(HPA, {"partitions": 3}), "autoscaling.maxReplicas: found 4", "partitions (3)"),
    (
        with_values(KEDA, {"autoscaling": {"minReplicas": 5}}),
        "autoscaling.minReplicas: found 5",
        "autoscaling.maxReplicas (4)",
    ),
    (with_values(TOPICS, {"partitions": 0}), "partitions: found 0", "topicsJob.enabled"),
    ({"model": {"source": "claim"}}, "model.claim: found none", "model.source claim"),
    ({"model": {"claim": "models"}}, "model.claim: found models", "model.source image"),
    (with_values(DOWNLOAD, {"model": {"sha256": ""}}), "model.url and model.sha256", "download"),
    ({"model": {"url": ARCHIVE, "sha256": HASH}}, "model.url: found", "model.source image"),
    ({"model": {"path": "models/x"}}, "model.path: found models/x", "absolute"),
    (
        {"model": {"source": "claim", "claim": "m", "path": "/x"}},
        "model.path: found /x",
        "inside of the claim",
    ),
    ({"lists": [{"name": "own", "source": "claim"}]}, "lists[own].claim: found none", "source"),
    (
        {"lists": [{"name": "own", "source": "claim", "claim": "c"}] * 2},
        "lists: found own twice",
        "once",
    ),
    (with_values(STORE, {"store": {"enabled": False}}), "store.publicKeys", "store.enabled"),
    ({"canary": {"enabled": True}}, "canary.enabled: found true", "canary show --policy"),
    (
        {"settings": {"canary": {"lists": ["onoma-canary"]}}},
        "settings.canary.lists: found onoma-canary",
        "store.enabled",
    ),
    (
        {"settings": {"kafka": {"group_instance_id": "x"}}},
        "settings.kafka.group_instance_id",
        "workload.membership",
    ),
    ({"settings": {"server": {"host": "::"}}}, "settings.server.host", "in a pod"),
    ({"settings": {"model": {"path": "/x"}}}, "settings.model.path", "model.source"),
    ({"settings": {"store": {"path": "/x"}}}, "settings.store.path", "store.enabled"),
    ({"settings": {"policy": {"path": "/x"}}}, "settings.policy.path", "wanted policy"),
)

SECRET = "hunter2-the-secret"
# What may not come in by any way: secrets in a ConfigMap, and knobs that nothing checks.
SMUGGLED: tuple[tuple[Values, str], ...] = (
    ({"settings": {"kafka": {"sasl_password": SECRET}}}, "settings.kafka.sasl_password"),
    ({"settings": {"kafka": {"sasl_username": SECRET}}}, "settings.kafka.sasl_username"),
    ({"settings": {"kafka": {"ssl_key_password": SECRET}}}, "settings.kafka.ssl_key_password"),
    ({"extraEnv": [{"name": "ONOMA_MODEL__ALLOW_UNGATED", "value": SECRET}]}, "extraEnv"),
    ({"extraEnv": [{"name": "onoma_faults__die_at", "value": SECRET}]}, "extraEnv"),
    ({"extraEnv": [{"name": "ONOMA_MODEL", "value": SECRET}]}, "extraEnv"),
)


def refused(values: Values) -> str:
    with pytest.raises(Refused) as caught:
        render(values)
    return str(caught.value)


def test_what_is_refused_here_would_be_taken_otherwise() -> None:
    assert render(LEAST)
    for more in (DEPLOYMENT, SASL, MUTUAL, KEDA, HPA, TOPICS, STORE, DOWNLOAD):
        assert render(with_values(LEAST, more))


@pytest.mark.parametrize(("wrong", "name", "words"), BY_SCHEMA, ids=lambda each: str(each)[:60])
def test_the_schema_names_what_it_refuses(wrong: Values, name: str, words: str) -> None:
    message = refused(with_values(LEAST, wrong))

    assert name in message
    assert words in message


@pytest.mark.parametrize("part", ["prometheusRule", "dashboards"])
def test_a_copy_of_the_chart_that_lost_its_link_says_so(part: str, tmp_path: Path) -> None:
    copied = tmp_path / "onoma"
    shutil.copytree(CHART, copied, ignore=shutil.ignore_patterns("monitoring"))

    with pytest.raises(Refused) as caught:
        render(with_values(LEAST, {part: {"enabled": True}}), chart=copied)

    assert f"{part}.enabled: found true" in str(caught.value)
    assert "a copy that follows links" in str(caught.value)


@pytest.mark.parametrize(("wrong", "name", "other"), CONTRADICTIONS, ids=lambda e: str(e)[:60])
def test_a_contradiction_names_both_values(wrong: Values, name: str, other: str) -> None:
    message = refused(with_values(LEAST, wrong))

    assert name in message
    assert other in message
    assert "wanted" in message


@pytest.mark.parametrize(("wrong", "name"), SMUGGLED, ids=lambda each: str(each)[:60])
def test_secrets_and_unchecked_knobs_are_refused_without_their_values(
    wrong: Values, name: str
) -> None:
    message = refused(with_values(LEAST, wrong))

    assert name in message
    assert SECRET not in message
