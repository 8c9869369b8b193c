"""A real Apache Kafka for one test or many: `with KafkaBroker(directory) as broker: ...`.

It has one node or several, keeps its ports and its data from one start to the next, listens on
127.0.0.1 only, and never outlives the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from tests.kafka.client import Isolation, KafkaClient, Record, Resource
from tests.kafka.configuration import (
    ADMIN,
    ALICE,
    PLAINTEXT,
    Configuration,
    Protocol,
    Security,
    User,
    aiokafka_settings,
    librdkafka_settings,
)
from tests.kafka.process import BrokerFailed, BrokerProcess, free_ports
from tests.kafka.runtime import Runtime, find_runtime

__all__ = [
    "ADMIN",
    "ALICE",
    "PLAINTEXT",
    "BrokerFailed",
    "KafkaBroker",
    "Protocol",
    "Record",
    "Security",
    "User",
]


class KafkaBroker:
    """A KRaft cluster, of one node unless more are asked for; it is asked as the admin, who waits
    for a broker that is away for a while. With `proxy_port` the first node also has a listener,
    `proxied_port`, for those who come through a proxy.
    """

    def __init__(
        self,
        directory: Path,
        *,
        security: Security = PLAINTEXT,
        runtime: Runtime | None = None,
        nodes: int = 1,
        proxy_port: int | None = None,
    ) -> None:
        self.security = security
        found = runtime or find_runtime()
        self._nodes = [
            BrokerProcess(configuration, found)
            for configuration in _configurations(directory, security, nodes, proxy_port)
        ]
        self._first = self._nodes[0]
        self._client: KafkaClient | None = None

    @property
    def bootstrap(self) -> str:
        """The addresses for clients."""
        return ",".join(f"127.0.0.1:{node.configuration.client_port}" for node in self._nodes)

    @property
    def proxied_port(self) -> int | None:
        """Where the proxy has to connect to."""
        return self._first.configuration.inner_port

    @property
    def ca_file(self) -> Path:
        """The authority that clients have to trust; there after the first start with TLS."""
        return self._first.configuration.ca_file

    @property
    def log_file(self) -> Path:
        """All that the first node wrote, from its first start on."""
        return self._first.log_file

    @property
    def pid(self) -> int | None:
        """The running process of the first node, or None."""
        return self._first.pid

    def start(self, *, java_options: tuple[str, ...] = ()) -> None:
        """Return when every node answers; after a stop or kill it has the same data and port."""
        down = [node for node in self._nodes if node.pid is None]
        for node in down:
            node.launch(options=java_options)
        for node in down:
            port = node.configuration.client_port
            node.wait_for(lambda port=port: self._asked().answers(port))  # type: ignore[misc]  # mypy can't infer a lambda with a default

    def stop(self) -> None:
        """End it in good order."""
        for node in self._nodes:
            node.stop()

    def kill(self, node: int | None = None) -> None:
        """End it, or one node of it, as a power cut would."""
        for each in self._nodes if node is None else [self._nodes[node]]:
            each.kill()

    def restart(self) -> None:
        """Stop in good order and start again."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _asked(self) -> KafkaClient:
        # Made late: librdkafka reads the certificate file, which the first start writes.
        if self._client is None:
            self._client = KafkaClient(self.librdkafka_settings())
        return self._client

    def librdkafka_settings(
        self, *, user: User = ADMIN, mechanism: str = "PLAIN"
    ) -> dict[str, str]:
        """Give the settings of a confluent-kafka client for this broker."""
        return librdkafka_settings(
            self.security, self.bootstrap, self.ca_file, user=user, mechanism=mechanism
        )

    def aiokafka_settings(
        self, *, user: User = ADMIN, mechanism: str = "PLAIN"
    ) -> dict[str, object]:
        """Give the settings of an aiokafka client for this broker."""
        return aiokafka_settings(
            self.security, self.bootstrap, self.ca_file, user=user, mechanism=mechanism
        )

    def create_topic(
        self, name: str, partitions: int, config: Mapping[str, str] | None = None
    ) -> None:
        """Create a topic that is ready for clients when this returns."""
        replication = min(3, len(self._nodes))
        self._asked().create_topic(name, partitions, config or {}, replication=replication)

    def delete_topic(self, name: str) -> None:
        """Delete a topic."""
        self._asked().delete_topic(name)

    def allow(self, user: User, resource: Resource, name: str, *operations: str) -> None:
        """Let the user do this (`"READ"`, `"WRITE"`, `"DESCRIBE"`) to the resource of this name."""
        self._asked().allow(user.name, resource, name, operations)

    def revoke(self, user: User, resource: Resource, name: str) -> None:
        """Take back all that the user may do to the resource of this name."""
        self._asked().revoke(user.name, resource, name)

    def partitions(self, topic: str) -> list[int]:
        """Give the numbers of the topic's partitions; a topic that isn't there is a LookupError."""
        return self._asked().partitions(topic)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Give the group's offsets by partition, without those that have none."""
        return self._asked().committed(group, topic)

    def end_offsets(
        self, topic: str, *, isolation: Isolation = "read_uncommitted"
    ) -> dict[int, int]:
        """Give the end of each partition; it counts transaction markers too."""
        return self._asked().end_offsets(topic, isolation)

    def read(
        self,
        topic: str,
        *,
        isolation: Isolation = "read_committed",
        until: int = 0,
        timeout_seconds: float = 30.0,
    ) -> list[Record]:
        """Give all records by partition and offset; wait until there are at least `until`."""
        return self._asked().read(topic, isolation, until, timeout_seconds)

    def records(
        self,
        topic: str,
        *,
        isolation: Isolation = "read_committed",
        timeout_seconds: float = 30.0,
    ) -> Iterator[Record]:
        """Yield all records, each partition in its order; for topics too large to hold."""
        return self._asked().records(topic, isolation, 0, timeout_seconds)

    def aborted_records(self, topic: str) -> int:
        """Count the log's records of aborted transactions; wait until none is open."""
        return self._asked().aborted_records(topic)


def _configurations(
    directory: Path, security: Security, nodes: int, proxy_port: int | None
) -> list[Configuration]:
    ports = free_ports(3 * nodes)
    voters = tuple((node + 1, ports[3 * node + 1]) for node in range(nodes))
    return [
        Configuration(
            directory=directory / f"node-{node + 1}" if nodes > 1 else directory,
            client_port=ports[3 * node],
            controller_port=ports[3 * node + 1],
            security=security,
            node=node + 1,
            voters=voters if nodes > 1 else (),
            inner_port=ports[3 * node + 2] if proxy_port and node == 0 else None,
            proxy_port=proxy_port if node == 0 else None,
        )
        for node in range(nodes)
    ]
