"""A worker that hangs ends itself, says at what, and the next one goes on where it was.

Of six kinds two run with the other tests; `long` selects the others.
"""

from __future__ import annotations

import pytest

from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.stream.conftest import NewWorker
from tests.stream.hanging import (
    CALL,
    COORDINATOR,
    FETCH,
    LOOP,
    PUBLISH,
    REBALANCE,
    Hanging,
    Kind,
)


def test_a_hung_call_and_a_consumer_that_receives_nothing_end_the_worker_and_lose_nothing(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    both = [Hanging(kind, kafka, unique, new_worker) for kind in (CALL, FETCH)]
    for each in both:
        each.hang()
    for each in both:
        each.wait_for_end()
    for each in both:
        each.go_on()


@pytest.mark.long
@pytest.mark.parametrize("kind", [LOOP, PUBLISH, COORDINATOR, REBALANCE], ids=lambda kind: kind.at)
def test_a_worker_that_hangs_ends_itself_and_loses_nothing(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker, kind: Kind
) -> None:
    hanging = Hanging(kind, kafka, unique, new_worker)

    hanging.hang()
    hanging.wait_for_end()
    hanging.go_on()
