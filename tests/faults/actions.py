"""What each fault does. An action returns when the fault is over, so faults never overlap."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from confluent_kafka import ElectionType, KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are public all the same
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from psutil import Process

from onoma.contracts.notice import Notice
from onoma.stream.chaos.plan import Step
from tests.faults.clock import set_clock
from tests.faults.disk import fill, make_room
from tests.faults.stage import Member, Stage
from tests.stream.models import announce
from tests.stream.worker import Worker, wait_until

CLOCK_JUMP_SECONDS = 3600
TOO_SMALL_BYTES = 300
LATENCY_SECONDS = 0.3
STORM_PAUSE_SECONDS = 1.5
ADMIN_SECONDS = 20.0
SWAP_SECONDS = 60.0

Action = Callable[[Stage, Step], None]


def _member(stage: Stage, step: Step) -> Member:
    mortal = stage.crew[stage.kind.spared :]
    return mortal[step.target % len(mortal)]


def kill(stage: Stage, step: Step) -> None:
    """End a worker as a lack of memory would; it is started again."""
    member = _member(stage, step)
    member.down_on_purpose = True
    member.worker.kill()
    member.start()


def terminate(stage: Stage, step: Step) -> None:
    """Stop a worker as a deployment does; it is started again."""
    member = _member(stage, step)
    if member.worker.exit_code is not None:
        return
    member.down_on_purpose = True
    # It may reach the point at which it is to die while it drains.
    stage.note_end(member, member.worker.stop())
    member.start()


def freeze(stage: Stage, step: Step) -> None:
    """Stop a worker's time for longer than the group waits, then let it go on."""
    worker = _member(stage, step).worker
    if worker.exit_code is None:
        with worker.frozen():
            stage.run_for(step.lasts_seconds)


def broker_kill(stage: Stage, step: Step) -> None:
    """End the cluster as a power cut would; start it again."""
    stage.broker.kill()
    stage.run_for(step.lasts_seconds)
    stage.broker.start()


def node_kill(stage: Stage, step: Step) -> None:
    """End one node; its leaders move. Start it again."""
    stage.broker.kill(step.target % stage.kind.nodes)
    stage.run_for(step.lasts_seconds)
    stage.broker.start()


def leaders_elected(stage: Stage, _step: Step) -> None:
    """Move all leaders back to where they ought to be."""
    admin = AdminClient(dict(stage.broker.librdkafka_settings()))
    with contextlib.suppress(KafkaException):  # where none has to move that is an error, too
        admin.elect_leaders(ElectionType.PREFERRED).result(ADMIN_SECONDS)


def reset(stage: Stage, _step: Step) -> None:
    """Break all connections off."""
    stage.proxy.reset()


def latency(stage: Stage, step: Step) -> None:
    """Hold every chunk back for a while."""
    stage.proxy.delay_seconds = LATENCY_SECONDS
    stage.run_for(step.lasts_seconds)
    stage.proxy.delay_seconds = 0.0


def half_open(stage: Stage, step: Step) -> None:
    """Let nothing through, and tell nobody; what was open then is lost for good."""
    stage.proxy.half_open = True
    stage.run_for(step.lasts_seconds)
    stage.proxy.half_open = False


def fenced(stage: Stage, step: Step) -> None:
    """Take a partition's transactional id over, as a second installation would."""
    topics = stage.topics
    partition = step.target % stage.kind.partitions
    thief = Producer(
        {
            **stage.broker.librdkafka_settings(),
            "transactional.id": f"{topics.group}.{topics.documents}.{partition}",
            "log_level": 0,
        }
    )
    thief.init_transactions(ADMIN_SECONDS)


def duplicate_static_id(stage: Stage, step: Step) -> None:
    """Run a second worker under the name of one that is there."""
    second = stage.new_worker()
    second.configure(_member(stage, step).config)
    second.start()
    stage.run_for(step.lasts_seconds)
    second.kill()


def topic_shrunk(stage: Stage, step: Step) -> None:
    """Let the events' topic take next to nothing; workers stop, and are started in vain."""
    before = str(_limit(stage, TOO_SMALL_BYTES))
    stage.run_for(step.lasts_seconds)
    _limit(stage, int(before))


def _limit(stage: Stage, size: int) -> int:
    """Set the largest record of the events' topic; return what it was."""
    admin = AdminClient(dict(stage.broker.librdkafka_settings()))
    topic = ConfigResource(ResourceType.TOPIC, stage.topics.entities)
    (found,) = admin.describe_configs([topic]).values()
    was = int(found.result(ADMIN_SECONDS)["max.message.bytes"].value)
    change = ConfigEntry(
        "max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET
    )
    changed = ConfigResource(
        ResourceType.TOPIC, stage.topics.entities, incremental_configs=[change]
    )
    for answer in admin.incremental_alter_configs([changed]).values():
        answer.result(ADMIN_SECONDS)
    return was


def storm(stage: Stage, step: Step) -> None:
    """Let a stranger join and leave while a worker drains, again and again."""
    stranger = stage.new_worker()
    deadline = time.monotonic() + step.lasts_seconds
    while time.monotonic() < deadline:
        stranger.start()
        stage.run_for(STORM_PAUSE_SECONDS)
        member = _member(stage, step)
        if member.worker.exit_code is None:
            member.worker.terminate()
        stage.run_for(STORM_PAUSE_SECONDS)
        stranger.kill()


def disk_full(stage: Stage, step: Step) -> None:
    """Fill the broker's disk; make room after a while, and start the broker if it gave up."""
    data = stage.broker.log_file.parent
    fill(data)
    stage.run_for(step.lasts_seconds)
    make_room(data)
    # A broker whose only log directory failed ends by itself, and what it did not end is halted.
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: stage.broker.pid is None, "the broker has given up", 5.0)
    stage.broker.start()


def clock_forward(stage: Stage, step: Step) -> None:
    """Set the workers' clock ahead, and right again."""
    _jump(stage, step, CLOCK_JUMP_SECONDS)


def clock_back(stage: Stage, step: Step) -> None:
    """Set the workers' clock back, and right again."""
    _jump(stage, step, -CLOCK_JUMP_SECONDS)


def model_swapped(stage: Stage, _step: Step) -> None:
    """Announce the other model, and wait until every worker serves it."""
    assert stage.models is not None
    stage.announced += 1
    notice = stage.models.notices[stage.announced % 2]
    announce(stage.topics, notice)
    crew = [member.worker for member in stage.crew]
    if not stage.run_until(lambda: all(_serves(each, notice) for each in crew), SWAP_SECONDS):
        raise AssertionError(f"not every worker serves {notice.version} after {SWAP_SECONDS} s")
    stage.resident_mib.append(max(Process(each.pid).memory_info().rss for each in crew) / 2**20)


def _serves(worker: Worker, notice: Notice) -> bool:
    try:
        return worker.metric("onoma_model_info", sha256=notice.sha256) == 1
    except (AssertionError, OSError):
        return False  # it is being started, or serves another


def _jump(stage: Stage, step: Step, seconds: int) -> None:
    set_clock(stage.directory, seconds)
    stage.run_for(step.lasts_seconds)
    set_clock(stage.directory, 0)


_ACTIONS: tuple[Action, ...] = (
    kill, terminate, freeze, broker_kill, node_kill, leaders_elected, reset, latency, half_open,
    fenced, duplicate_static_id, topic_shrunk, storm, disk_full, clock_forward, clock_back,
    model_swapped,
)  # fmt: skip
ACTIONS: dict[str, Action] = {action.__name__: action for action in _ACTIONS}
ACTIONS["outage"] = broker_kill
"""The action of each fault, by the fault's name."""
FROM_THE_END = ("broker_kill", "node_kill", "outage", "half_open", "disk_full", "topic_shrunk")
"""Faults while which nothing can move: recovery counts from their end."""
