"""The broker's settings as data: who may connect and how, and the `server.properties` for it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.kafka.certificates import client_certificate


class Protocol(StrEnum):
    """How clients speak to the broker."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whom a SASL broker knows, by PLAIN and by each form of SCRAM."""

    name: str
    password: str


SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")
ADMIN = User("admin", "admin-secret")
ALICE = User("alice", "alice-secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """Who may connect and how; with `acls`, everybody but the admin needs permissions."""

    protocol: Protocol = Protocol.PLAINTEXT
    acls: bool = False

    def __post_init__(self) -> None:
        if self.acls and not self.sasl:
            raise ValueError(f"acls need users: found {self.protocol}, wanted a SASL protocol")

    @property
    def sasl(self) -> bool:
        """Whether clients have to name themselves."""
        return self.protocol in (Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL)

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted, under the authority of the broker's directory."""
        return self.protocol in (Protocol.SSL, Protocol.SASL_SSL)

    @property
    def mutual(self) -> bool:
        """Whether clients have to show a certificate of that authority."""
        return self.protocol is Protocol.SSL


PLAINTEXT = Security()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One node: its directory, its ports on loopback, its security.

    `voters` are the controller ports of all nodes by id, when there are several; whoever connects
    to `inner_port` is told that the node is at `proxy_port`.
    """

    directory: Path
    client_port: int
    controller_port: int
    security: Security
    node: int = 1
    voters: tuple[tuple[int, int], ...] = ()
    inner_port: int | None = None
    proxy_port: int | None = None

    @property
    def ca_file(self) -> Path:
        """Where the certificate authority's certificate lies, for clients."""
        return self.directory / "tls" / "ca.crt"

    @property
    def broker_file(self) -> Path:
        """Where the broker's key and certificate lie, in one file."""
        return self.directory / "tls" / "broker.pem"


# One partition and one replica for what Kafka keeps for itself, and short timers: a broker that was
# killed is back within five seconds, because its old registration expires after two.
_SMALL_AND_QUICK = {
    "process.roles": "broker,controller",
    "auto.create.topics.enable": "false",
    "num.partitions": "4",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A record has to fit into one segment: room for topics that take 17 MiB.
    "log.segment.bytes": str(32 * 1024 * 1024),
    "replica.fetch.max.bytes": str(32 * 1024 * 1024),
    "log.index.size.max.bytes": "1048576",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "num.replica.fetchers": "1",
    "background.threads": "2",
    "log.cleaner.threads": "1",
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "400",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
}

# Several nodes: each partition on all three, acknowledged by two; a dead node is missed soon.
_REPLICATED = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "controller.quorum.fetch.timeout.ms": "1000",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.election.backoff.max.ms": "300",
}


def server_properties(configuration: Configuration) -> dict[str, str]:
    """Give the node's whole settings; nothing in it listens on anything but loopback."""
    security = configuration.security
    client = f"CLIENT://127.0.0.1:{configuration.client_port}"
    controller = f"CONTROLLER://127.0.0.1:{configuration.controller_port}"
    inside = Protocol.SASL_PLAINTEXT if security.sasl else Protocol.PLAINTEXT
    settings = {
        **_SMALL_AND_QUICK,
        **(_REPLICATED if configuration.voters else {}),
        "node.id": str(configuration.node),
        "controller.quorum.voters": _voters(configuration),
        "listeners": f"{client},{controller}",
        "advertised.listeners": client,
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "listener.security.protocol.map": f"CLIENT:{security.protocol},CONTROLLER:{inside}",
        "log.dirs": str(configuration.directory / "data"),
    }
    if configuration.proxy_port is not None:
        settings |= _behind_proxy(configuration, settings)
    if security.sasl:
        settings |= _sasl()
    if security.tls:
        settings |= _tls(configuration)
    if security.acls:
        settings |= _acls()
    return settings


def _voters(configuration: Configuration) -> str:
    own = ((configuration.node, configuration.controller_port),)
    voters = configuration.voters or own
    return ",".join(f"{node}@127.0.0.1:{port}" for node, port in voters)


def _behind_proxy(configuration: Configuration, settings: dict[str, str]) -> dict[str, str]:
    """Add a listener for those who come through a proxy: what it advertises is the proxy."""
    protocols = settings["listener.security.protocol.map"]
    return {
        "listeners": settings["listeners"] + f",PROXIED://127.0.0.1:{configuration.inner_port}",
        "advertised.listeners": settings["advertised.listeners"]
        + f",PROXIED://127.0.0.1:{configuration.proxy_port}",
        "listener.security.protocol.map": f"{protocols},PROXIED:PLAINTEXT",
    }


def _sasl() -> dict[str, str]:
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    itself = f'username="{ADMIN.name}" password="{ADMIN.password}"'
    known = " ".join(f'user_{user.name}="{user.password}"' for user in (ADMIN, ALICE))
    return {
        "sasl.enabled.mechanisms": ",".join(("PLAIN", *SCRAM)),
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": f"{plain} {itself} {known};",
        "listener.name.client.plain.sasl.jaas.config": f"{plain} {itself} {known};",
        **{f"listener.name.client.{name.lower()}.sasl.jaas.config": scram for name in SCRAM},
    }


def _tls(configuration: Configuration) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(configuration.broker_file),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(configuration.ca_file),
        "ssl.client.auth": "required" if configuration.security.mutual else "none",
    }


def _acls() -> dict[str, str]:
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN.name}",
        "allow.everyone.if.no.acl.found": "false",
    }


def scram_arguments(security: Security) -> tuple[str, ...]:
    """Give the storage tool's arguments that make SCRAM know the users from the first start on."""
    if not security.sasl:
        return ()
    return tuple(
        argument
        for user in (ADMIN, ALICE)
        for mechanism in SCRAM
        for argument in ("--add-scram", f"{mechanism}=[name={user.name},password={user.password}]")
    )


def librdkafka_settings(
    security: Security, bootstrap: str, ca_file: Path, *, user: User, mechanism: str
) -> dict[str, str]:
    """Give librdkafka's settings for a client of this broker."""
    settings = {"bootstrap.servers": bootstrap, "security.protocol": security.protocol.value}
    if security.sasl:
        settings |= {"sasl.mechanism": mechanism}
        settings |= {"sasl.username": user.name, "sasl.password": user.password}
    if security.tls:
        settings |= {"ssl.ca.location": str(ca_file)}
    if security.mutual:
        shown = client_certificate(ca_file)
        settings |= {"ssl.certificate.location": str(shown.certificate)}
        settings |= {"ssl.key.location": str(shown.key)}
    return settings


def aiokafka_settings(
    security: Security, bootstrap: str, ca_file: Path, *, user: User, mechanism: str
) -> dict[str, object]:
    """Give aiokafka's settings for a client of this broker."""
    settings: dict[str, object] = {"bootstrap_servers": bootstrap}
    settings["security_protocol"] = security.protocol.value
    if security.sasl:
        settings |= {"sasl_mechanism": mechanism}
        settings |= {"sasl_plain_username": user.name, "sasl_plain_password": user.password}
    if security.tls:
        context = ssl.create_default_context(cafile=ca_file)
        if security.mutual:
            shown = client_certificate(ca_file)
            context.load_cert_chain(shown.certificate, shown.key)
        settings |= {"ssl_context": context}
    return settings
