"""The process in which a document that killed workers is tried alone: a record in, an answer out.

Started by quarantine.py, which explains it. Model and lists of the request are loaded before any
limit holds; then memory is limited to so much more than is in use, an alarm ends the process
whatever native code it is in, and the document goes its usual way. Neither side reads anything but
msgpack of known forms.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from onoma.contracts.entities import ModelVersion, WorkerVersion
from onoma.contracts.policy import PinnedPolicy, Policy
from onoma.contracts.records import Output, Record
from onoma.errors import RejectionReason, processing_failed
from onoma.gazetteer.served import ListVersion, open_all
from onoma.pipeline import Annotated, Versions, process
from onoma.registry import bundle
from onoma.stream.serving import languages_of

READY = b"ready"
"""Written when model and lists are loaded: the document's time begins."""
OUT_OF_MEMORY = 86
"""Exit code of a child that reached its limit of memory."""
_OUT_OF_MEMORY_TEXTS = ("bad_alloc", "Failed to allocate memory")
"""How onnxruntime says it."""


class Request(msgspec.Struct, frozen=True):
    """A document and all that decides about it; `directory` is the bundle's, `lists` have theirs
    and the evidence that they have to fit.
    """

    record: Record
    directory: str
    model: ModelVersion
    lists: tuple[tuple[str, ListVersion], ...]
    policy: Policy
    worker: WorkerVersion
    cluster: str
    run: str
    memory_bytes: int
    seconds: float


class Event(msgspec.Struct, frozen=True, tag=True):
    """The event of a document that was annotated, and its alerts."""

    output: Output
    alerts: tuple[Output, ...]
    known_tenant: bool


class Rejection(msgspec.Struct, frozen=True, tag=True):
    """Why a document was rejected, by the pipeline or because a stage failed on it."""

    reason: RejectionReason
    detail: str


Answer = Event | Rejection


def main() -> None:
    """Answer the one request on standard input."""
    # Whatever a library prints goes elsewhere than the answer.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Request)
    versions = _versions(request)
    _say(answers, READY)
    try:
        _limit(request)
        answer = _answer(request.record, versions)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        _say(answers, msgspec.msgpack.encode(answer))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _say(answers: BinaryIO, data: bytes) -> None:
    answers.write(data)
    answers.flush()


def _versions(request: Request) -> Versions:
    # What a worker served before is gated, or was allowed: the version is compared all the same.
    model = bundle.load(Path(request.directory), allow_ungated=True)
    if model.version != request.model:
        raise SystemExit(f"{request.directory}: holds another model than the document's")
    lists = open_all(Path(directory) for directory, _ in request.lists)
    if lists.versions != tuple(version for _, version in request.lists):
        raise SystemExit("found other lists than the document's")
    return Versions(
        recogniser=model.recogniser,
        model=model.version,
        languages=languages_of(model),
        policy=PinnedPolicy(request.policy),
        worker=request.worker,
        cluster=request.cluster,
        run=request.run,
        lists=lists,
    )


def _limit(request: Request) -> None:
    """Limit this process's time, and its memory to `memory_bytes` more than it has now."""
    # In case the parent is gone; its own clock is the one that decides.
    signal.alarm(math.ceil(request.seconds) + 1)
    try:
        # Where memory runs out for all, this process goes first.
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
        pages = Path("/proc/self/statm").read_text("ascii").split()[0]
    except OSError:
        return  # no Linux: time alone is limited
    limit = int(pages) * resource.getpagesize() + request.memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def _answer(record: Record, versions: Versions) -> Answer:
    try:
        outcome = process(record, versions)
    except MemoryError:
        raise
    except Exception as error:  # as the scheduler takes it: it costs only this document
        if any(text in str(error) for text in _OUT_OF_MEMORY_TEXTS):
            raise MemoryError from error
        failed = processing_failed(error)
        return Rejection(failed.reason, failed.detail)
    if isinstance(outcome, Annotated):
        return Event(outcome.output, outcome.alerts, outcome.known_tenant)
    return Rejection(outcome.rejected.reason, outcome.rejected.detail)


if __name__ == "__main__":
    main()
