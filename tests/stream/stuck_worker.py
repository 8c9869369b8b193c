"""Runs a real worker that gets stuck: `STUCK_AT` says at what, after `STUCK_AFTER` good passes.

Each kind hangs where the fault it stands for would: in aiokafka or onnxruntime, never in a part of
the watchdog's. The line `stuck` with the time goes to standard error when it begins.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer.group_coordinator import GroupCoordinator

from onoma.cli import main
from onoma.ner.wordhash import WordHashRecogniser
from onoma.stream.lane import Lane

_passes = itertools.count(1)
_after = int(os.environ.get("STUCK_AFTER", "0"))


def is_stuck() -> bool:
    """Count a pass; say whether this one and all later ones hang."""
    number = next(_passes)
    if number == _after + 1:
        print(json.dumps({"event": "stuck", "at": time.time()}), file=sys.stderr, flush=True)
    return number > _after


def hang_thread() -> None:
    """Hang as a call into native code does."""
    threading.Event().wait()


async def hang_task() -> None:
    """Hang as a task does that waits for an answer nobody gives, and swallows being cancelled."""
    while True:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            continue


def hanging_call(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return `step` that hangs its thread."""

    def call(*args: Any, **options: Any) -> Any:
        if is_stuck():
            hang_thread()
        return step(*args, **options)

    return call


def hanging_task(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return the coroutine function `step` that hangs its task."""

    async def call(*args: Any, **options: Any) -> Any:
        if is_stuck():
            await hang_task()
        return await step(*args, **options)

    return call


def silent(getmany: Callable[..., Any]) -> Callable[..., Any]:
    """Return `getmany` that gives no record any more and stays where it is, as in aiokafka 1037."""

    async def call(self: Any, *partitions: Any, **options: Any) -> Any:
        here = {each: await self.position(each) for each in self.assignment() & {*partitions}}
        found = await getmany(self, *partitions, **options)
        if not found or not is_stuck():
            return found
        for partition in found:
            self.seek(partition, here[partition])
        await asyncio.sleep(0.2)
        return {}

    return call


def _stick(kind: str) -> None:
    match kind:
        case "call":
            WordHashRecogniser.emissions = hanging_call(WordHashRecogniser.emissions)  # type: ignore[method-assign]  # the fault
        case "loop":
            Lane.commit = hanging_call(Lane.commit)  # type: ignore[method-assign]  # the fault
        case "fetch":
            AIOKafkaConsumer.getmany = silent(AIOKafkaConsumer.getmany)
        case "publish":
            AIOKafkaProducer.send_offsets_to_transaction = hanging_task(
                AIOKafkaProducer.send_offsets_to_transaction
            )
        case "join":
            GroupCoordinator.ensure_coordinator_known = hanging_task(
                GroupCoordinator.ensure_coordinator_known
            )
        case "rebalance":
            GroupCoordinator._do_rejoin_group = hanging_task(GroupCoordinator._do_rejoin_group)
        case _:
            raise ValueError(kind)


if __name__ == "__main__":
    _stick(os.environ["STUCK_AT"])
    main()
