"""Workers for the tests of the stream; none outlives its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stream.worker import Worker

NewWorker = Callable[..., Worker]


@pytest.fixture
def new_worker(tmp_path: Path) -> Iterator[NewWorker]:
    """Make workers, each with a directory of its own; they are not started yet."""
    made: list[Worker] = []

    def new(*args: object, **options: object) -> Worker:
        worker = Worker(tmp_path / f"worker-{len(made)}", *args, **options)  # type: ignore[arg-type]  # passed on as they are
        made.append(worker)
        return worker

    yield new
    for worker in made:
        worker.kill()
