"""How this worker talks to Kafka: options for aiokafka from the settings, and what its errors mean.

The rule for errors (docs/architecture.md, "Failure"): what may pass is a `TransientError`, what a
person has to mend is a `FatalError` that names it. An error that is in neither table is not guessed
at: the caller's step is taken anew, and counts.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition, errors
from aiokafka.conn import create_conn

from onoma.contracts.policy import Limits
from onoma.errors import FatalError, TransientError, WrongUseError
from onoma.settings import Kafka, Settings

HEADROOM_BYTES = 64 * 1024
"""What a record may have beside its value: key, headers, framing."""
ANY_REQUEST_BYTES = 1024**3
"""The broker compares compressed sizes, aiokafka would compare plain ones: a dead letter that was
small enough to come in is small enough to go out, and the broker says if it is not.
"""

_AUTHORISATION = {
    errors.TopicAuthorizationFailedError: (
        "a topic (read on {documents}, write on {entities} and {dead_letters})"
    ),
    errors.GroupAuthorizationFailedError: "the consumer group {group} (read)",
    errors.TransactionalIdAuthorizationFailed: (
        "transactional ids with the prefix {group}. (describe, write)"
    ),
    errors.ClusterAuthorizationFailedError: "any topic: not even idempotent writes are allowed",
}
_AWAY = (
    errors.KafkaConnectionError,
    errors.KafkaTimeoutError,
    errors.NodeNotReadyError,
    errors.NoBrokersAvailable,
    errors.RequestTimedOutError,
    errors.GroupCoordinatorNotAvailableError,
    errors.NotCoordinatorForGroupError,
    errors.GroupLoadInProgressError,
    errors.LeaderNotAvailableError,
    errors.NotLeaderForPartitionError,
    errors.BrokerNotAvailableError,
    TimeoutError,
    ConnectionError,
)


def client_options(kafka: Kafka) -> dict[str, Any]:
    """Return the options that every client of the cluster takes."""
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "security_protocol": kafka.security_protocol,
        "request_timeout_ms": _ms(kafka.request_timeout_seconds),
    }
    if kafka.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(kafka)
    if kafka.security_protocol.startswith("SASL") and kafka.sasl_password:
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.sasl_username
        options["sasl_plain_password"] = kafka.sasl_password.get_secret_value()
    return options


def consumer_options(kafka: Kafka, limits: Limits) -> dict[str, Any]:
    """Return the options of the documents' consumer; offsets are committed by the outbox alone."""
    largest = limits.document_bytes + limits.header_bytes + HEADROOM_BYTES
    return client_options(kafka) | {
        "group_id": kafka.group_id,
        "group_instance_id": kafka.group_instance_id,
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
        "auto_offset_reset": kafka.auto_offset_reset,
        "session_timeout_ms": _ms(kafka.session_timeout_seconds),
        "heartbeat_interval_ms": _ms(kafka.heartbeat_interval_seconds),
        "rebalance_timeout_ms": _ms(kafka.rebalance_timeout_seconds),
        "max_poll_interval_ms": _ms(kafka.max_poll_interval_seconds),
        "max_partition_fetch_bytes": largest,
        "fetch_max_bytes": max(50 * 1024**2, largest),
    }


def producer_options(settings: Settings) -> dict[str, Any]:
    """Return the options of every producer: idempotent, for whatever the topics take."""
    compression = settings.kafka.compression
    return client_options(settings.kafka) | {
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": 5 if settings.delivery.mode == "at_least_once" else 0,
        "max_batch_size": 128 * 1024,
        "max_request_size": ANY_REQUEST_BYTES,
        "compression_type": None if compression == "none" else compression,
        # Else a request that a black hole swallowed holds its lane for request_timeout_seconds.
        "request_timeout_ms": _ms(settings.delivery.publish_timeout_seconds),
    }


def transactional_producer(settings: Settings, partition: TopicPartition) -> AIOKafkaProducer:
    """Return the producer of one input partition; starting it fences whoever had the partition
    before.
    """
    group = settings.kafka.group_id
    return AIOKafkaProducer(
        transactional_id=f"{group}.{partition.topic}.{partition.partition}",
        transaction_timeout_ms=_ms(settings.delivery.transaction_timeout_seconds),
        **producer_options(settings),
    )


def largest_input_bytes(limits: Limits) -> int:
    """Return the largest record that the documents' topic has to take."""
    return limits.document_bytes + limits.header_bytes + HEADROOM_BYTES


def largest_output_bytes(limits: Limits) -> int:
    """Return the largest record that we may write: an event, or an input and our headers."""
    return max(limits.event_bytes, largest_input_bytes(limits)) + HEADROOM_BYTES


def explained(error: BaseException, settings: Settings) -> FatalError | TransientError | None:
    """Return what `error` means for the worker, None where it is in no table."""
    for kind, what in _AUTHORISATION.items():
        if isinstance(error, kind):
            named = _topics_denied(error, settings) or what.format(
                group=settings.kafka.group_id, **settings.topics.model_dump()
            )
            return FatalError(f"Kafka denies access to {named}; grant it to this worker's user")
    if isinstance(error, errors.UnknownTopicOrPartitionError):
        return FatalError(
            "a topic is missing; `onoma check` names it, `onoma topics create` makes it"
        )
    if isinstance(error, errors.MessageSizeTooLargeError):
        return FatalError(
            "the broker refuses a record for its size; `onoma check` names the topic and both sizes"
        )
    if isinstance(error, errors.NoOffsetForPartitionError | errors.OffsetOutOfRangeError):
        return FatalError(
            "a partition has no usable committed offset and kafka.auto_offset_reset is none; "
            "set the group's offsets, or another reset"
        )
    if isinstance(error, _AWAY):
        return TransientError(f"Kafka is away: {type(error).__name__}")
    return None


def _topics_denied(error: BaseException, settings: Settings) -> str | None:
    """Return the topics that `error` names, each with what is needed of it."""
    if not isinstance(error, errors.TopicAuthorizationFailedError) or not error.args:
        return None
    named = {error.args[0]} if isinstance(error.args[0], str) else set(error.args[0])
    topics = settings.topics
    read = {topics.documents, topics.gazetteers, topics.models}
    needed = [f"topic {name} ({'read' if name in read else 'write'})" for name in sorted(named)]
    return ", ".join(needed) or None


def refuse_what_stays(error: BaseException, settings: Settings) -> None:
    """Raise FatalError unless `error` is one that passes."""
    meaning = error if isinstance(error, TransientError) else explained(error, settings)
    if meaning is None:
        raise FatalError(f"Kafka failed with {type(error).__name__}: {error}") from error
    if isinstance(meaning, FatalError):
        raise meaning from error


async def diagnosed(error: BaseException, settings: Settings) -> FatalError | TransientError:
    """Return what `error` of a command or a start means, after a look at the connection itself."""
    problem = await diagnose_connection(settings.kafka)
    if problem is not None:
        return TransientError(f"kafka.bootstrap_servers: {problem}")
    meaning = explained(error, settings)
    return meaning or FatalError(f"Kafka answered with {type(error).__name__}: {error}")


async def diagnose_connection(kafka: Kafka, timeout_seconds: float = 5.0) -> str | None:
    """Say why no broker can be talked to, None if one can.

    aiokafka's clients report a wrong password as a broken connection, so each broker is tried by
    hand.
    """
    problem = None
    options = client_options(kafka)
    servers = options.pop("bootstrap_servers")
    options["request_timeout_ms"] = _ms(timeout_seconds)
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            async with asyncio.timeout(timeout_seconds):
                connection = await create_conn(host, int(port), client_id="onoma", **options)
        except Exception as error:  # whatever it is, it is the answer
            problem = f"{server.strip()}: {_connection_problem(error, kafka)}"
        else:
            connection.close()
            return None
    return problem


def _connection_problem(error: Exception, kafka: Kafka) -> str:
    cause = error.__cause__ or error
    if isinstance(error, ssl.SSLError) or isinstance(cause, ssl.SSLError):
        reason = str(getattr(cause, "reason", None) or cause)
        # An alert is what the other side sends: it did not take what we showed.
        knob = "ssl_certificate_file" if "_ALERT_" in reason else "ssl_ca_file"
        return f"TLS failed: {reason}; compare kafka.{knob}"
    if isinstance(error, errors.AuthenticationFailedError | errors.SaslAuthenticationFailed):
        return (
            f"refused the user or password ({kafka.sasl_mechanism}); compare kafka.sasl_username, "
            "kafka.sasl_password and kafka.sasl_mechanism"
        )
    if isinstance(error, errors.UnsupportedSaslMechanismError):
        return f"does not know kafka.sasl_mechanism {kafka.sasl_mechanism}"
    if isinstance(error, TimeoutError):
        return "did not answer in time; compare kafka.security_protocol with the listener's"
    if isinstance(error, OSError):
        return f"can't be reached: {error.strerror or error}"
    return f"broke the connection off ({type(error).__name__}); compare kafka.security_protocol"


def _ssl_context(kafka: Kafka) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_ca_file)
        if kafka.ssl_certificate_file:
            password = kafka.ssl_key_password
            context.load_cert_chain(
                kafka.ssl_certificate_file,
                kafka.ssl_key_file,
                password.get_secret_value() if password else None,
            )
    except (OSError, ssl.SSLError) as error:
        raise WrongUseError(
            "kafka.ssl_ca_file, kafka.ssl_certificate_file or kafka.ssl_key_file can't be used, or "
            f"kafka.ssl_key_password is another: {error}"
        ) from error
    context.check_hostname = kafka.ssl_check_hostname
    return context


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
