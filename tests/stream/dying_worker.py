"""Runs a real worker that ends as by `kill -9` when its outputs are acknowledged and not committed.

`DIE_AT` says at which publication. With exactly_once that is inside an open transaction, before the
offsets are sent into it; with at_least_once it is before the offset is committed.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from onoma.cli import main

Step = Callable[..., Awaitable[Any]]


def dying(step: Step, numbers: itertools.count[int], die_at: int) -> Step:
    """Return `step` that kills the process when it is called for the `die_at`th time."""

    async def step_or_death(*args: Any, **options: Any) -> Any:
        if next(numbers) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return await step(*args, **options)

    return step_or_death


if __name__ == "__main__":
    calls, last = itertools.count(1), int(os.environ["DIE_AT"])
    AIOKafkaProducer.send_offsets_to_transaction = dying(
        AIOKafkaProducer.send_offsets_to_transaction, calls, last
    )
    AIOKafkaConsumer.commit = dying(AIOKafkaConsumer.commit, calls, last)
    main()
