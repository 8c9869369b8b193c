"""The topics: whether they are there and fit, and making them.

One place holds what a topic has to take; `topics create` sets it, `check` and the start of a worker
compare it. The sizes follow from the policy's limits, the partition counts from the documents'
topic: an output goes to the partition with its input's number. A control topic has one partition,
so that its notices have one order, and is compacted, so that the newest one never expires.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from onoma.contracts.policy import Limits
from onoma.errors import FatalError, TransientError
from onoma.settings import Settings
from onoma.stream.kafka import (
    HEADROOM_BYTES,
    client_options,
    diagnosed,
    largest_input_bytes,
    largest_output_bytes,
)

log = structlog.get_logger(__name__)

DEMO_CLUSTER_PREFIX = "mockCluster"
"""How librdkafka's mock cluster calls itself; its transactions are none."""
TOPIC_DENIED = 29
TOPIC_EXISTS = 36
COMPACTED = "compact"
CONTROL_BYTES = 64 * 1024
"""What a control topic has to take; a notice has some hundred bytes."""
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a topic has to be."""

    name: str
    knob: str
    max_message_bytes: int
    control: bool = False
    operation: Literal["read", "write"] = "write"

    def creation(self, partitions: int) -> tuple[int, dict[str, str]]:
        """Return the number of partitions and the configuration that it is made with."""
        if self.control:
            return 1, {"cleanup.policy": COMPACTED}
        return partitions, {"max.message.bytes": str(self.max_message_bytes)}


@dataclass(frozen=True, slots=True)
class Found:
    """What a topic is: None where there is none, or where the broker does not say."""

    partitions: int | None
    max_message_bytes: int | None
    cleanup_policy: str | None = None
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the broker says about itself and our topics."""

    cluster_id: str
    topics: Mapping[str, Found]


def writes_alerts(settings: Settings) -> bool:
    """Say whether a worker screens, or will as soon as a list is announced."""
    return bool(settings.gazetteers.lists or settings.store.path)


def wanted_topics(settings: Settings, limits: Limits) -> tuple[Wanted, ...]:
    """Return what each topic has to be, the documents' first."""
    names = settings.topics
    control = [("topics.gazetteers", names.gazetteers), ("topics.models", names.models)]
    alerts = (
        (Wanted(names.alerts, "topics.alerts", largest_output_bytes(limits)),)
        if writes_alerts(settings)
        else ()
    )
    return (
        Wanted(names.documents, "topics.documents", largest_input_bytes(limits), operation="read"),
        Wanted(names.entities, "topics.entities", largest_output_bytes(limits)),
        *alerts,
        Wanted(names.dead_letters, "topics.dead_letters", largest_output_bytes(limits)),
        *(
            Wanted(name, knob, CONTROL_BYTES, control=True, operation="read")
            for knob, name in control
            if settings.store.path
        ),
    )


def problems(settings: Settings, limits: Limits, cluster: Cluster) -> list[str]:
    """Return what has to be mended before a worker can run, a line each."""
    found_problems = []
    documents = cluster.topics[settings.topics.documents].partitions
    exactly_once = settings.delivery.mode == "exactly_once"
    if exactly_once and cluster.cluster_id.startswith(DEMO_CLUSTER_PREFIX):
        found_problems.append(
            "delivery.mode: found exactly_once on the demo broker, which has no transactions; "
            "wanted at_least_once there, or a real Kafka"
        )
    for wanted in wanted_topics(settings, limits):
        found = cluster.topics[wanted.name]
        if found.denied:
            found_problems.append(
                f"{wanted.knob}: Kafka denies access to topic {wanted.name}; allow this worker's "
                f"user to describe it and to {wanted.operation} it"
            )
            continue
        if found.partitions is None:
            found_problems.append(
                f"{wanted.knob}: found no topic {wanted.name}; make it with `onoma topics "
                "create`, or allow this worker's user to describe it"
            )
            continue
        found_problems += _problems_of_control(wanted, found) if wanted.control else []
        if documents is not None and found.partitions < documents and not wanted.control:
            found_problems.append(
                f"{wanted.knob}: found {found.partitions} partitions in {wanted.name}, wanted at "
                f"least the "
                f"{documents} of {settings.topics.documents}; add partitions"
            )
        size = found.max_message_bytes
        if size is not None and size < wanted.max_message_bytes:
            found_problems.append(
                f"{wanted.knob}: found max.message.bytes {size} on {wanted.name}, wanted "
                f"{wanted.max_message_bytes}; raise it, or lower the policy's limits"
            )
    return found_problems + _dead_letters_too_small(settings, cluster)


def _problems_of_control(wanted: Wanted, found: Found) -> list[str]:
    problems = []
    if found.partitions != 1:
        problems.append(
            f"{wanted.knob}: found {found.partitions} partitions in {wanted.name}, wanted one: "
            "notices have an order within a partition only; make it anew"
        )
    if found.cleanup_policy not in (None, COMPACTED):
        problems.append(
            f"{wanted.knob}: found cleanup.policy {found.cleanup_policy} on {wanted.name}, wanted "
            f"{COMPACTED}: else the notice that is in force expires"
        )
    return problems


def _dead_letters_too_small(settings: Settings, cluster: Cluster) -> list[str]:
    """Compare what may come in with what can be put aside, whatever the policy says."""
    names = settings.topics
    largest = cluster.topics[names.documents].max_message_bytes
    size = cluster.topics[names.dead_letters].max_message_bytes
    if largest is None or size is None or size >= largest + HEADROOM_BYTES:
        return []
    return [
        f"topics.dead_letters: found max.message.bytes {size} on {names.dead_letters}, wanted "
        f"{largest + HEADROOM_BYTES}, for {names.documents} takes {largest}; raise the first or "
        "lower the second"
    ]


async def describe(settings: Settings, limits: Limits) -> Cluster:
    """Ask the broker. Raises TransientError when it is away, FatalError for what a person has to
    mend.
    """
    names = [wanted.name for wanted in wanted_topics(settings, limits)]
    async with _admin(settings) as admin:
        about = await admin.describe_cluster()
        topics = {topic["topic"]: topic for topic in await admin.describe_topics(names)}
        there = [name for name in names if not topics[name]["error_code"]]
        configured = await _configurations(admin, there)
    return Cluster(
        str(about.get("cluster_id") or ""),
        {
            name: Found(
                None if topics[name]["error_code"] else len(topics[name]["partitions"]),
                _number(configured.get(name, {}).get("max.message.bytes")),
                configured.get(name, {}).get("cleanup.policy"),
                topics[name]["error_code"] == TOPIC_DENIED,
            )
            for name in names
        },
    )


async def partition_count(settings: Settings, topic: str) -> int | None:
    """Return how many partitions any topic has, None without it. Raises as `describe` does."""
    async with _admin(settings) as admin:
        (found,) = await admin.describe_topics([topic])
    return None if found["error_code"] else len(found["partitions"])


async def committed_offsets(
    settings: Settings, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return the group's offset of each partition that has one."""
    group = settings.kafka.group_id
    async with _admin(settings) as admin:
        found = await admin.list_consumer_group_offsets(group, partitions=list(partitions))
    return {partition: each.offset for partition, each in found.items() if each.offset >= 0}


async def check_before_start(settings: Settings, limits: Limits, stopping: asyncio.Event) -> None:
    """Wait until the topics are there and fit, at most `kafka.start_retry_seconds`; FatalError
    after that.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + settings.kafka.start_retry_seconds
    while not stopping.is_set():
        try:
            found = problems(settings, limits, await describe(settings, limits))
        except TransientError as error:
            found = [str(error)]
        if not found:
            return
        if loop.time() >= deadline:
            raise FatalError("\n".join(found))
        log.warning("not ready to start, trying again", problems=found)
        try:
            async with asyncio.timeout(RETRY_SECONDS):
                await stopping.wait()
        except TimeoutError:
            continue


async def create(
    settings: Settings,
    limits: Limits,
    *,
    partitions: int,
    replication: int,
    options: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Create the topics that are not there, with `options` too; return what was done, by name."""
    async with _admin(settings) as admin:
        done = {}
        for wanted in wanted_topics(settings, limits):
            count, configuration = wanted.creation(partitions)
            topic = NewTopic(
                wanted.name,
                num_partitions=count,
                replication_factor=replication,
                topic_configs={**configuration, **(options or {})},
            )
            try:
                answer = await admin.create_topics([topic])
            except AttributeError as error:  # aiokafka's answer where the request is not known
                raise FatalError("the broker makes no topics on request") from error
            name, code, *rest = answer.topic_errors[0]
            if code not in (0, TOPIC_EXISTS):
                detail = next((text for text in rest if text), for_code(code).__name__)
                raise FatalError(f"topic {name} was not created: {detail}")
            made = f"created, {count} partition{'' if count == 1 else 's'}"
            done[name] = "exists" if code == TOPIC_EXISTS else made
    return done


async def delete(settings: Settings, names: Sequence[str]) -> None:
    """Delete the topics `names`, with all that is in them."""
    async with _admin(settings) as admin:
        await admin.delete_topics(list(names))


async def _configurations(
    admin: AIOKafkaAdminClient, names: list[str]
) -> dict[str, dict[str, str]]:
    """Return each topic's configuration, nothing for those whose configuration we may not see."""
    try:
        answers = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        )
    except (KafkaError, AttributeError):
        return {}  # the demo broker does not know the request
    return {
        name: {key: value for key, value, *_ in entries}
        for answer in answers
        for code, _, _, name, entries in answer.resources
        if not code
    }


def _number(value: str | None) -> int | None:
    return None if value is None else int(value)


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Yield an admin client; errors of Kafka become a TransientError or a FatalError."""
    options = client_options(settings.kafka) | {"request_timeout_ms": 10_000}
    admin = AIOKafkaAdminClient(**options)
    try:
        async with asyncio.timeout(15):
            await admin.start()
        yield admin
    except (KafkaError, OSError, TimeoutError) as error:
        raise await diagnosed(error, settings) from error
    finally:
        await admin.close()
