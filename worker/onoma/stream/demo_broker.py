"""The demo broker: a small imitation of Kafka in this process, for the demo and tests of faults.

It is not Kafka. It is librdkafka's mock cluster, which comes within confluent-kafka (extra `demo`),
reached through its C interface. It has no transactions to rely on, no topic creation by clients,
no SASL, no TLS; a topic that nobody declared springs up with four partitions. It keeps the last 5
MB or 100,000 records of a partition, in memory, and a rebalance of a live group takes nearly a
session: one worker only. It starts at once, needs no installation, and can be told to fail.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from typing import Self

from onoma.errors import FatalError, WrongUseError

_BROKER = 1  # the mock cluster numbers its brokers from one
_PRODUCER = 0  # RD_KAFKA_PRODUCER: the cluster has to belong to some client
# The cluster's thread answers a command and then empties its wake-up pipe, with the next command's
# wake-up if that is already there: such a command would be seen a second later.
_PAUSE_BETWEEN_COMMANDS_SECONDS = 0.002
_MESSAGE_BYTES = 512
_POINTER, _TEXT, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
# What we call of librdkafka (rdkafka.h, rdkafka_mock.h): name, result, arguments.
_FUNCTIONS: tuple[tuple[str, type | None, tuple[type, ...]], ...] = (
    ("rd_kafka_conf_new", _POINTER, ()),
    ("rd_kafka_conf_set", _INT, (_POINTER, _TEXT, _TEXT, _TEXT, ctypes.c_size_t)),
    ("rd_kafka_new", _POINTER, (_INT, _POINTER, _TEXT, ctypes.c_size_t)),
    ("rd_kafka_destroy", None, (_POINTER,)),
    ("rd_kafka_err2str", _TEXT, (_INT,)),
    ("rd_kafka_mock_cluster_new", _POINTER, (_POINTER, _INT)),
    ("rd_kafka_mock_cluster_destroy", None, (_POINTER,)),
    ("rd_kafka_mock_cluster_bootstraps", _TEXT, (_POINTER,)),
    ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, (_POINTER, ctypes.c_int32)),
    ("rd_kafka_mock_topic_create", _INT, (_POINTER, _TEXT, _INT, _INT)),
    ("rd_kafka_mock_broker_set_down", _INT, (_POINTER, ctypes.c_int32)),
    ("rd_kafka_mock_broker_set_up", _INT, (_POINTER, ctypes.c_int32)),
    ("rd_kafka_mock_broker_set_rtt", _INT, (_POINTER, ctypes.c_int32, _INT)),
    (
        "rd_kafka_mock_push_request_errors_array",
        None,
        (_POINTER, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(_INT)),
    ),
)


class DemoBroker:
    """One broker on 127.0.0.1 with these topics and partition counts, until it is closed."""

    def __init__(self, topics: Mapping[str, int]) -> None:
        self._library = _load_library()
        self._client: int | None = _new_client(self._library)
        self._cluster: int | None = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        try:
            # It would wait three seconds for a second member of a group; there is none.
            self._command("a short wait", "rd_kafka_mock_group_initial_rebalance_delay_ms", 0)
            for topic, partitions in topics.items():
                self._create_topic(topic, partitions)
        except FatalError:
            self.close()
            raise
        bootstrap: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        self.bootstrap = bootstrap.decode()

    def _create_topic(self, topic: str, partitions: int) -> None:
        if partitions < 1:
            raise WrongUseError(f"topic {topic!r}: found {partitions} partitions, wanted 1 or more")
        what = f"topic {topic!r} with {partitions} partitions"
        self._command(what, "rd_kafka_mock_topic_create", topic.encode(), partitions, 1)

    def _command(self, what: str, function: str, *arguments: object) -> None:
        if self._cluster is None:
            raise FatalError("the demo broker is closed, or loopback refused it a port")
        code: int | None = getattr(self._library, function)(self._cluster, *arguments)
        time.sleep(_PAUSE_BETWEEN_COMMANDS_SECONDS)
        if code:
            reason: bytes = self._library.rd_kafka_err2str(code)
            raise FatalError(f"the demo broker refused {what}: {reason.decode()}")

    def broker_down(self) -> None:
        """Close all connections and refuse new ones; records and offsets are kept."""
        self._command("to go down", "rd_kafka_mock_broker_set_down", _BROKER)

    def broker_up(self) -> None:
        """Answer again, on the same port."""
        self._command("to come up", "rd_kafka_mock_broker_set_up", _BROKER)

    def push_errors(self, api_key: int, *codes: int) -> None:
        """Answer the next requests of this kind with these codes, one each; 0 lets one pass."""
        function = "rd_kafka_mock_push_request_errors_array"
        self._command("errors", function, api_key, len(codes), (_INT * len(codes))(*codes))

    def set_round_trip_time(self, milliseconds: int) -> None:
        """Delay every answer by this much."""
        what = f"a round trip of {milliseconds} ms"
        self._command(what, "rd_kafka_mock_broker_set_rtt", _BROKER, milliseconds)

    def close(self) -> None:
        """End it and forget its records; closing twice is fine."""
        if self._cluster is not None:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._cluster = None
        if self._client is not None:
            self._library.rd_kafka_destroy(self._client)
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _load_library() -> ctypes.CDLL:
    try:
        from confluent_kafka import cimpl
    except ImportError as error:
        raise WrongUseError(
            "found no confluent-kafka; the demo broker is in it: install onoma[demo]"
        ) from error
    # Symbols are looked up in what the extension links too: librdkafka, wherever it is bundled.
    library = ctypes.CDLL(cimpl.__file__)
    try:
        for name, result, arguments in _FUNCTIONS:
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise WrongUseError(
            f"found a librdkafka without {name}; wanted one with the mock cluster: "
            "install confluent-kafka from its wheel, as onoma[demo] does"
        ) from error
    return library


def _new_client(library: ctypes.CDLL) -> int:
    message = ctypes.create_string_buffer(_MESSAGE_BYTES)
    configuration = library.rd_kafka_conf_new()
    # It logs to the console by itself, and a broker taken down on purpose is no news.
    library.rd_kafka_conf_set(configuration, b"log_level", b"0", message, _MESSAGE_BYTES)
    client: int | None = library.rd_kafka_new(_PRODUCER, configuration, message, _MESSAGE_BYTES)
    if client is None:
        raise FatalError(f"librdkafka made no client: {message.value.decode()}")
    return client
