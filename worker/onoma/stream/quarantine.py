"""Tries a document alone in a limited process, when workers died at it.

Beside the scheduler: the lane hands its head here once two deaths are noted (attempts.py) and waits
for the outcome as usual. A document that is innocent gets its event, byte for byte the usual one; a
process that dies, or takes more memory or time than the settings grant, is the document's answer. A
process that can't even load the model says nothing about the document, and stops the worker.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Hashable
from pathlib import Path

import msgspec
import structlog

from onoma.contracts.entities import Entities, Evidence, KafkaSource
from onoma.contracts.records import Output, Record
from onoma.errors import FatalError, RejectedDocument, RejectionReason
from onoma.metrics import Metrics
from onoma.pipeline import Annotated, Outcome, Versions, reject
from onoma.settings import Settings
from onoma.stream.quarantine_child import OUT_OF_MEMORY, READY, Answer, Event, Request
from onoma.stream.stages import Stages

log = structlog.get_logger(__name__)

CHILD = "onoma.stream.quarantine_child"
START_SECONDS = 120.0
"""How long the process may take to load the model."""


class _KafkaEvidence(Evidence, frozen=True):
    source: KafkaSource


class _KafkaEntities(Entities, frozen=True, kw_only=True):
    """The event with the one source that it can have here: a union of both can't be read."""

    evidence: _KafkaEvidence


class Quarantine:
    """Tries documents one after the other; belongs to the event loop."""

    def __init__(
        self,
        settings: Settings,
        *,
        bundle: Callable[[Versions], Path],
        metrics: Metrics,
        on_failure: Callable[[BaseException], None],
        stages: Stages | None = None,
    ) -> None:
        self._stages = stages or Stages()
        self._limits = settings.quarantine
        self._bundle = bundle
        self._metrics = metrics
        self._on_failure = on_failure
        self._turn = asyncio.Lock()
        self._trials: dict[Hashable, asyncio.Task[None]] = {}
        self._dropped: set[asyncio.Task[None]] = set()

    def submit(
        self, lane: Hashable, record: Record, versions: Versions, deliver: Callable[[Outcome], None]
    ) -> None:
        """Take a record in; `deliver` gets its outcome."""
        trial = asyncio.get_running_loop().create_task(self._deliver(record, versions, deliver))
        self._trials[lane] = trial

    def drop(self, lane: Hashable) -> None:
        """End the trial of `lane`; the next owner begins it anew."""
        trial = self._trials.pop(lane, None)
        if trial is not None:
            trial.cancel()
            self._dropped.add(trial)
            trial.add_done_callback(self._dropped.discard)

    async def close(self) -> None:
        """End all trials and their processes."""
        for lane in list(self._trials):
            self.drop(lane)
        await asyncio.gather(*self._dropped, return_exceptions=True)

    async def _deliver(
        self, record: Record, versions: Versions, deliver: Callable[[Outcome], None]
    ) -> None:
        try:
            async with self._turn:
                with self._stages.running("quarantine", f"partition {record.partition}"):
                    outcome = await self._try_alone(record, versions)
                deliver(outcome)
        except Exception as error:
            self._on_failure(error)

    async def _try_alone(self, record: Record, versions: Versions) -> Outcome:
        place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.warning("document tried alone", **place)
        answer = await self._answer(record, versions)
        if isinstance(answer, RejectedDocument):
            outcome: Outcome = reject(record, answer, versions)
            result = "too_slow" if answer.reason is RejectionReason.TOO_SLOW else "killed"
        elif isinstance(answer, Event):
            outcome = Annotated(
                event=_event(answer.output),
                output=answer.output,
                known_tenant=answer.known_tenant,
                alerts=answer.alerts,
            )
            result = "annotated"
        else:
            outcome = reject(record, RejectedDocument(answer.reason, answer.detail), versions)
            result = "rejected"
        self._metrics.count("quarantined_documents_total", outcome=result)
        log.warning("document was tried alone", outcome=result, **place)
        return outcome

    async def _answer(self, record: Record, versions: Versions) -> Answer | RejectedDocument:
        """Return what the process says, or why it says nothing."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", CHILD),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # What native code says in its last moment may quote the document.
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _start(child, self._request(record, versions))
            async with asyncio.timeout(self._limits.seconds):
                data, code = await asyncio.gather(_rest(child), child.wait())
        except TimeoutError:
            return RejectedDocument(
                RejectionReason.TOO_SLOW,
                f"read alone it took more than {self._limits.seconds:g} s; quarantine.seconds",
            )
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if code == 0:
            answer: Answer = msgspec.msgpack.decode(data, type=Answer)
            return answer
        return RejectedDocument(RejectionReason.KILLED_WORKER, self._death(code))

    def _request(self, record: Record, versions: Versions) -> bytes:
        return msgspec.msgpack.encode(
            Request(
                record=record,
                directory=str(self._bundle(versions)),
                model=versions.model,
                lists=tuple((str(e.directory), e.version) for e in versions.lists.lists),
                policy=versions.policy.policy,
                worker=versions.worker,
                cluster=versions.cluster,
                run=versions.run,
                memory_bytes=self._limits.memory_bytes,
                seconds=self._limits.seconds,
            )
        )

    def _death(self, code: int) -> str:
        if code == OUT_OF_MEMORY:
            memory = self._limits.memory_bytes
            return f"read alone it took more than {memory} bytes; quarantine.memory_bytes"
        ended = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return f"workers died at it; read alone, it ended its process {ended}"


def _event(output: Output) -> Entities:
    """Return the event of `output`, as the pipeline has it."""
    found = msgspec.json.decode(output.value or b"", type=_KafkaEntities)
    evidence = Evidence(**msgspec.structs.asdict(found.evidence))
    return Entities(**{**msgspec.structs.asdict(found), "evidence": evidence})


async def _start(child: asyncio.subprocess.Process, request: bytes) -> None:
    """Give the process its request and wait until the model is loaded. Raises FatalError."""
    writer, reader = child.stdin, child.stdout
    if writer is None or reader is None:
        raise FatalError("the process for a document tried alone has no pipes")
    try:
        async with asyncio.timeout(START_SECONDS):
            writer.write(request)
            writer.close()
            await reader.readexactly(len(READY))
    except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
        raise FatalError(
            "the process that tries a document alone could not load model and lists; wanted memory "
            "for a second of each, or quarantine.enabled: false"
        ) from error


async def _rest(child: asyncio.subprocess.Process) -> bytes:
    return b"" if child.stdout is None else await child.stdout.read()
