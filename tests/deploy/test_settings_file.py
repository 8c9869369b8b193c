"""The settings file of every shape is one that the worker takes, with the secrets as mounted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from onoma.contracts.policy import Policy
from onoma.settings import SECRETS_DIRECTORY, Settings, load
from tests.deploy.chart import (
    LEAST,
    Object,
    Values,
    configuration,
    pods,
    render,
    with_values,
    worker,
    workload,
)
from tests.deploy.shapes import BAKED, CLAIM, KEYS, MUTUAL, SASL, STORE, shapes

pytestmark = pytest.mark.deploy
SHAPES = shapes()
PLACE = Path("/etc/onoma")


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("ONOMA_"):
            monkeypatch.delenv(name)


def projected(pod: Object, place: Path) -> Iterator[tuple[str, str]]:
    """Yield what a pod's projected volume takes from secrets to `place`: (path, key)."""
    (mount,) = (
        mount
        for mount in pod["spec"]["containers"][0]["volumeMounts"]
        if mount["mountPath"] == str(place)
    )
    (volume,) = (each for each in pod["spec"]["volumes"] if each["name"] == mount["name"])
    for source in volume["projected"]["sources"]:
        for kind in ("secret", "configMap"):
            for item in source.get(kind, {}).get("items", []):
                yield item["path"], item["key"]


def loaded(objects: tuple[Object, ...], tmp_path: Path) -> Settings:
    """Return the settings as a worker of the release reads them."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (pod, *_) = pods([workload(objects)])
    mounts = [mount["mountPath"] for mount in pod["spec"]["containers"][0]["volumeMounts"]]
    if str(SECRETS_DIRECTORY) in mounts:
        for path, key in projected(pod, SECRETS_DIRECTORY):
            (secrets / path).write_text(f"value of {key}\n")
    file = tmp_path / "onoma.yaml"
    file.write_text(configuration(objects)["onoma.yaml"])
    return load(file, secrets=secrets)


@pytest.mark.parametrize("values", SHAPES.values(), ids=SHAPES)
def test_the_worker_takes_the_settings_of_every_shape(values: Values, tmp_path: Path) -> None:
    objects = render(values)
    settings = loaded(objects, tmp_path)

    given = values["settings"]["kafka"]
    assert settings.kafka.bootstrap_servers == given["bootstrap_servers"]
    assert settings.server.host == "0.0.0.0"
    assert settings.model.allow_ungated is False
    (pod, *_) = pods([workload(objects)])
    certificates = {str(PLACE / path) for path, _ in projected(pod, PLACE)}
    kafka = settings.kafka
    named = {kafka.ssl_ca_file, kafka.ssl_certificate_file, kafka.ssl_key_file} - {None}
    assert {str(path) for path in named} == certificates


def test_user_and_password_come_from_the_secret(tmp_path: Path) -> None:
    settings = loaded(render(with_values(LEAST, SASL)), tmp_path)

    assert settings.kafka.sasl_username == "value of username"
    assert settings.kafka.sasl_password is not None
    assert settings.kafka.sasl_password.get_secret_value() == "value of password"


def test_the_password_of_the_private_key_comes_from_the_secret(tmp_path: Path) -> None:
    settings = loaded(render(with_values(LEAST, MUTUAL)), tmp_path)

    assert settings.kafka.ssl_key_password is not None
    assert settings.kafka.ssl_key_password.get_secret_value() == "value of password"


@pytest.mark.parametrize(
    ("more", "path"), [(CLAIM, "/var/lib/onoma/model"), (BAKED, "/opt/models/base")]
)
def test_the_model_is_where_it_is_mounted(more: Values, path: str, tmp_path: Path) -> None:
    objects = render(with_values(LEAST, more))
    mounts = [mount["mountPath"] for mount in worker(objects)["volumeMounts"]]

    assert loaded(objects, tmp_path).model.path == Path(path)
    assert (path in mounts) is (more is CLAIM)


def test_lists_that_are_mounted_are_screened_against_beside_those_of_the_image(
    tmp_path: Path,
) -> None:
    values = with_values(SHAPES["model-download-values.yaml"], {})
    values["settings"]["gazetteers"] = {"lists": ["/opt/lists/ours"]}
    objects = render(values)
    mounts = [mount["mountPath"] for mount in worker(objects)["volumeMounts"]]

    own, *mounted = map(str, loaded(objects, tmp_path).gazetteers.lists)
    assert own == "/opt/lists/ours"
    assert mounted == ["/var/lib/onoma/lists/sanctions", "/var/lib/onoma/lists/own-customers"]
    assert set(mounted) <= set(mounts)


def test_the_store_and_its_keys_are_where_they_are_mounted(tmp_path: Path) -> None:
    objects = render(with_values(LEAST, STORE))
    settings = loaded(objects, tmp_path)

    assert settings.store.path == Path("/var/lib/onoma/store")
    assert settings.store.public_key_file == PLACE / "store-public-keys.pem"
    assert configuration(objects)["store-public-keys.pem"] == KEYS


def test_the_policy_is_one_that_the_worker_takes(tmp_path: Path) -> None:
    values = SHAPES["policy-values.yaml"]
    objects = render(values)

    assert loaded(objects, tmp_path).policy.path == PLACE / "policy.json"
    policy = msgspec.json.decode(configuration(objects)["policy.json"], type=Policy)
    assert (policy.name, policy.version) == ("strict", "3")
    assert msgspec.to_builtins(policy.default.thresholds) == {"PER": 0.4}


def test_a_change_of_settings_restarts_the_pods_and_one_of_scale_does_not() -> None:
    def annotations(values: Values) -> Object:
        (pod, *_) = pods([workload(render(values))])
        found: Object = pod["metadata"]["annotations"]
        return found

    before = annotations(LEAST)

    changed = with_values(LEAST, {"settings": {"logs": {"level": "debug"}}})
    assert annotations(changed) != before
    assert annotations(with_values(LEAST, {"workload": {"replicas": 3}})) == before
