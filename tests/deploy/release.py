"""A release of the chart on this machine, container by container, against a real Kafka with
SASL_SSL and an authority of its own: what the chart's smallest example for such a cluster makes.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.chart import (
    WORKLOADS,
    Object,
    Values,
    ci_files,
    only,
    render,
    values_of,
    with_values,
    worker,
)
from tests.deploy.container import Container, Pod
from tests.deploy.image import Image
from tests.kafka.broker import ADMIN
from tests.kafka.process import free_ports
from tests.stream.topics import Topics
from tests.stream.worker import status_of, wait_until

PARTITIONS = 4
READY_SECONDS = 120.0


@dataclass(frozen=True)
class Release:
    """What a release is made of; `more` values are laid over those of the example."""

    image: Image
    topics: Topics
    directory: Path
    more: Values = field(default_factory=dict)

    @property
    def values(self) -> Values:
        """The values: the example's, where the cluster is, and names of the test's own."""
        (example,) = (path for path in ci_files() if path.name == "sasl-ssl-values.yaml")
        ours = {
            "partitions": PARTITIONS,
            "topicsJob": {"enabled": True, "replication": 1},
            "settings": {
                "kafka": {
                    "bootstrap_servers": self.topics.broker.bootstrap,
                    "sasl_mechanism": "SCRAM-SHA-256",
                    "group_id": self.topics.group,
                },
                "topics": {
                    name: getattr(self.topics, name)
                    for name in ("documents", "entities", "dead_letters")
                },
                "server": {"port": free_ports(1)[0]},
            },
        }
        return with_values(with_values(values_of(example), ours), self.more)

    @cached_property
    def objects(self) -> tuple[Object, ...]:
        """The objects."""
        return render(self.values)

    def run_topics_job(self) -> tuple[int, str]:
        """Run the job that makes the topics; return its exit code and what it wrote."""
        pod = self._pod(only(self.objects, "Job"), "topics")
        (container,) = pod.spec["containers"]
        with pod.running(container) as job:
            return job.wait_for_end(), job.log

    @contextmanager
    def worker(self) -> Iterator[RunningWorker]:
        """Run the init containers of a worker's pod, then the worker, until it is ready."""
        pod = self._pod(only(self.objects, *WORKLOADS), "worker")
        for container in pod.spec.get("initContainers", []):
            with pod.running(container) as first:
                if code := first.wait_for_end():
                    raise AssertionError(f"{container['name']} ended with {code}:\n{first.log}")
        with pod.running(worker(self.objects)) as container:
            running = RunningWorker(pod, worker(self.objects), container)
            running.wait_ready()
            yield running

    def _pod(self, workload: Object, name: str) -> Pod:
        authority = self.topics.broker.ca_file.read_bytes()
        secrets = {
            "onoma-kafka": {
                "username": ADMIN.name.encode(),
                "password": ADMIN.password.encode(),
            },
            "kafka-authority": {"ca.crt": authority},
        }
        directory = self.directory / name
        return Pod.laid_out(workload, self.objects, self.image, directory, secrets=secrets)


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """A worker's container, and how its node asks it."""

    pod: Pod
    rendered: Object
    container: Container

    def probe(self, name: str) -> int | None:
        """Ask a probe of the chart; return the status, None while nobody answers."""
        return status_of(self._address(self.rendered[name]["httpGet"]["path"]))

    def wait_ready(self) -> None:
        """Wait until the readiness probe says 200."""
        wait_until(
            lambda: not self.container.running or self.probe("readinessProbe") == 200,
            "the worker is ready",
            READY_SECONDS,
        )
        if not self.container.running:
            raise AssertionError(f"the worker ended:\n{self.container.log}")

    def metric(self, name: str) -> float:
        """Return the sum of the samples of `name`."""
        with urllib.request.urlopen(self._address("/metrics"), timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            samples = [sample for family in families for sample in family.samples]
        return sum(sample.value for sample in samples if sample.name == name)

    def stop(self) -> int:
        """End it within the grace of the pod; return the exit code."""
        return self.container.stop(self.pod.spec["terminationGracePeriodSeconds"])

    def _address(self, path: str) -> str:
        (port,) = self.rendered["ports"]
        return f"http://127.0.0.1:{port['containerPort']}{path}"
