"""What holds for every object of every shape, so that no value can take it away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from tests.deploy.chart import (
    Object,
    Values,
    canary,
    configuration,
    of_kind,
    only,
    pods,
    render,
    worker,
    workload,
)
from tests.deploy.shapes import shapes

pytestmark = pytest.mark.deploy
SHAPES = shapes()
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}
SECONDS_BESIDE_THE_DRAIN = 10


@pytest.fixture(params=list(SHAPES.values()), ids=list(SHAPES), scope="module")
def values(request: pytest.FixtureRequest) -> Values:
    found: Values = request.param
    return found


@pytest.fixture(scope="module")
def objects(values: Values) -> tuple[Object, ...]:
    return render(values)


def containers(pod: Object) -> Iterator[Object]:
    yield from pod["spec"].get("initContainers", [])
    yield from pod["spec"]["containers"]


def test_pods_are_restricted_and_hold_no_token(objects: tuple[Object, ...]) -> None:
    for pod in pods(objects):
        spec = pod["spec"]
        context = spec["securityContext"]

        assert spec["automountServiceAccountToken"] is False
        assert context["runAsNonRoot"] is True
        assert isinstance(context["runAsUser"], int)
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert not [volume for volume in spec["volumes"] if "hostPath" in volume]
        for container in containers(pod):
            assert container["securityContext"] == RESTRICTED


def test_containers_have_requests_limits_and_a_pinned_image(objects: tuple[Object, ...]) -> None:
    for pod in pods(objects):
        for container in containers(pod):
            repository, separator, pin = container["image"].rpartition(":")

            assert repository
            assert separator
            assert pin not in ("latest", "")
            for kind in ("requests", "limits"):
                assert set(container["resources"][kind]) >= {"cpu", "memory"}


def test_mounts_are_volumes_of_the_pod_and_read_only_but_for_scratch(
    objects: tuple[Object, ...],
) -> None:
    for pod in pods(objects):
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        for container in containers(pod):
            mounts = container["volumeMounts"]
            places = [mount["mountPath"] for mount in mounts]

            assert len(set(places)) == len(places)
            for mount in mounts:
                assert mount["name"] in volumes
                assert mount.get("readOnly") or "emptyDir" in volumes[mount["name"]]
        for volume in volumes.values():
            assert volume.get("emptyDir", {"sizeLimit": "1Gi"})["sizeLimit"]


def test_selectors_are_the_same_whatever_the_values(objects: tuple[Object, ...]) -> None:
    selector = {
        "app.kubernetes.io/name": "onoma",
        "app.kubernetes.io/instance": "live",
        "app.kubernetes.io/component": "worker",
    }
    owner = workload(objects)

    assert owner["spec"]["selector"]["matchLabels"] == selector
    assert owner["spec"]["template"]["metadata"]["labels"].items() >= selector.items()
    budget = only(objects, "PodDisruptionBudget")["spec"]
    assert budget["selector"]["matchLabels"] == selector
    canaries = selector | {"app.kubernetes.io/component": "canary"}
    if found := canary(objects):
        assert found["spec"]["selector"]["matchLabels"] == canaries
        assert found["spec"]["template"]["metadata"]["labels"].items() >= canaries.items()
    for job in of_kind(objects, "Job"):
        labels = job["spec"]["template"]["metadata"]["labels"]
        assert labels["app.kubernetes.io/component"] == "topics"


def test_static_membership_is_for_pods_that_keep_their_names(objects: tuple[Object, ...]) -> None:
    variables = {each["name"]: each for each in worker(objects)["env"]}
    static = variables.get("ONOMA_KAFKA__GROUP_INSTANCE_ID")

    if workload(objects)["kind"] == "Deployment":
        assert static is None
    elif static is not None:
        assert static["value"] == "$(POD_NAMESPACE).$(POD_NAME)"
        assert list(variables).index("POD_NAME") < list(variables).index(static["name"])


def test_a_pod_gets_more_time_to_end_than_the_drain(objects: tuple[Object, ...]) -> None:
    settings = yaml.safe_load(configuration(objects)["onoma.yaml"])
    spec = workload(objects)["spec"]["template"]["spec"]

    drain = settings["shutdown"]["drain_seconds"]
    assert spec["terminationGracePeriodSeconds"] >= drain + SECONDS_BESIDE_THE_DRAIN
    assert "lifecycle" not in worker(objects)


def test_one_scaler_at_most_and_then_no_replicas_of_our_own(objects: tuple[Object, ...]) -> None:
    scalers = of_kind(objects, "ScaledObject", "HorizontalPodAutoscaler")
    owner = workload(objects)

    assert len(scalers) <= 1
    assert ("replicas" in owner["spec"]) is (not scalers)
    for scaler in scalers:
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) == (owner["kind"], owner["metadata"]["name"])


def test_scalers_stay_between_one_and_the_partitions(
    values: Values, objects: tuple[Object, ...]
) -> None:
    for scaled in of_kind(objects, "ScaledObject"):
        spec = scaled["spec"]
        metadata = spec["triggers"][0]["metadata"]

        assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"] <= values["partitions"]
        assert metadata["scaleToZeroOnInvalidOffset"] == "false"
        assert "limitToPartitionsWithLag" not in metadata
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        spec = scaler["spec"]
        assert 1 <= spec["minReplicas"] <= spec["maxReplicas"] <= values["partitions"]


def test_the_autoscaler_watches_what_workers_read_and_as_they_do(
    objects: tuple[Object, ...],
) -> None:
    kafka = yaml.safe_load(configuration(objects)["onoma.yaml"])["kafka"]
    for scaled in of_kind(objects, "ScaledObject"):
        (trigger,) = scaled["spec"]["triggers"]
        sasl = kafka["security_protocol"].startswith("SASL")

        assert trigger["metadata"]["consumerGroup"] == kafka["group_id"]
        assert trigger["metadata"]["bootstrapServers"] == kafka["bootstrap_servers"]
        assert ("sasl" in trigger["metadata"]) is sasl
        assert ("tls" in trigger["metadata"]) is kafka["security_protocol"].endswith("SSL")
        if sasl:
            spec = only(objects, "TriggerAuthentication")["spec"]
            given = {each["parameter"] for each in spec["secretTargetRef"]}
            assert {"username", "password"} <= given


def test_one_port_for_metrics_everywhere(objects: tuple[Object, ...]) -> None:
    settings = yaml.safe_load(configuration(objects)["onoma.yaml"])
    (port,) = worker(objects)["ports"]

    assert port["containerPort"] == settings["server"]["port"]
    assert settings["server"]["host"] == "0.0.0.0"
    for policy in of_kind(objects, "NetworkPolicy"):
        ((rule,), ingress) = (policy["spec"]["ingress"], policy["spec"]["policyTypes"])
        assert ingress == ["Ingress", "Egress"]
        assert [each["port"] for each in rule["ports"]] == [port["containerPort"]]
    for monitor in of_kind(objects, "PodMonitor"):
        assert [e["port"] for e in monitor["spec"]["podMetricsEndpoints"]] == [port["name"]]
    probes = [worker(objects)[f"{name}Probe"] for name in ("startup", "liveness", "readiness")]
    assert [each["httpGet"]["path"] for each in probes] == ["/startupz", "/livez", "/readyz"]
    assert {each["httpGet"]["port"] for each in probes} == {port["name"]}


def test_what_has_metrics_is_scraped_and_no_job_is(objects: tuple[Object, ...]) -> None:
    for monitor in of_kind(objects, "PodMonitor"):
        selector = monitor["spec"]["selector"]
        ((key, operator, components),) = (
            (each["key"], each["operator"], each["values"]) for each in selector["matchExpressions"]
        )

        assert selector["matchLabels"].keys() == {
            "app.kubernetes.io/name",
            "app.kubernetes.io/instance",
        }
        assert (key, operator) == ("app.kubernetes.io/component", "In")
        for pod in pods(objects):
            has_metrics = any("ports" in container for container in containers(pod))
            assert (pod["metadata"]["labels"][key] in components) is has_metrics


def test_a_canary_reads_the_workers_settings_and_needs_no_model(
    objects: tuple[Object, ...],
) -> None:
    found = canary(objects)
    if found is None:
        return
    pod = found["spec"]["template"]
    (container,) = pod["spec"]["containers"]

    assert found["spec"]["replicas"] == 1
    assert container["args"] == ["canary", "run", "--config", "/etc/onoma/onoma.yaml"]
    assert "initContainers" not in pod["spec"]
    assert not [each for each in pod["spec"]["volumes"] if "persistentVolumeClaim" in each]
    assert container["ports"] == worker(objects)["ports"]


def test_no_secret_is_in_the_release(objects: tuple[Object, ...]) -> None:
    assert of_kind(objects, "Secret") == []
    assert "password:" not in configuration(objects)["onoma.yaml"]


def test_workers_are_spread_over_zones_and_nodes(objects: tuple[Object, ...]) -> None:
    spec = workload(objects)["spec"]["template"]["spec"]

    keys = [each["topologyKey"] for each in spec["topologySpreadConstraints"]]
    assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
