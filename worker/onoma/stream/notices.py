"""Decides about notices: which one is tried, whether it may change anything, and what it changes.

Between a control topic (`control.py`) and what is served (`serving.py`). The rule: what is served
changes only for a notice that is well formed, of this topic's kind, signed where keys are set, and
whose version was found in the store, verified, loaded and warmed beside what serves. Any other is
refused, counted and logged, and what serves goes on. Of several notices for one key the newest one
counts, the next older one only where the newest is refused.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
import structlog

from onoma.contracts.notice import Kind, Notice, decode, is_key, key_of
from onoma.contracts.records import Record
from onoma.errors import FatalError
from onoma.metrics import Metrics
from onoma.registry.signing import PublicKeys, SignatureError, check_signature
from onoma.registry.store import NotInStoreError, Store
from onoma.stream.serving import Change, Current, Load
from onoma.stream.stages import Stages
from onoma.stream.topics import CONTROL_BYTES

log = structlog.get_logger(__name__)

Retract = Callable[[str], Change]
"""Returns what takes the version under a key away, for a record without a value."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A control topic: what its notices are of, what loads that, and what takes it away again;
    None where something always has to be served.
    """

    kind: Kind
    topic: str
    load: Load
    retract: Retract | None = None


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a notice changes nothing; `outcome` is its label in the metric."""

    outcome: str
    problem: str


@dataclass(slots=True, eq=False)
class _Candidate:
    """A record that was not tried yet, or whose version is waited for until `deadline`."""

    followed: Followed
    record: Record
    deadline: float | None = None


_Place = tuple[str, bytes]
"""Topic and key: one thing that is served."""


class Notices:
    """Takes the records of control topics in their order, and tries them when told to."""

    def __init__(
        self,
        followed: Mapping[str, Followed],
        *,
        store: Store,
        keys: PublicKeys,
        wait_seconds: float,
        current: Current,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        stages: Stages | None = None,
    ) -> None:
        self._stages = stages or Stages()
        self._followed = followed
        self._store = store
        self._keys = keys
        self._wait_seconds = wait_seconds
        self._current = current
        self._metrics = metrics
        self._clock = clock
        self._waiting: dict[_Place, deque[_Candidate]] = {}
        # One thread for all: glibc gives each a heap of its own, and what lists of a million names
        # leave behind would stay in as many as there are.
        self._loader = ThreadPoolExecutor(1, "load")
        self._caught_up = False
        self.changes = 0
        """How often what is served was changed."""

    def note(self, record: Record) -> None:
        """Take in the next record of a control topic; it goes before what waits for its key."""
        followed = self._followed[record.topic]
        candidate = _Candidate(followed, record)
        if record.key is None or not is_key(followed.kind, record.key):
            self._refuse(candidate, _Refusal("malformed", "its key is none of this topic's"))
            return
        place = (record.topic, record.key)
        self._waiting.setdefault(place, deque()).appendleft(candidate)

    async def settle(self) -> bool:
        """Try what waits; return whether nothing does any more.

        The first time that nothing does, everything that was ever announced is in force. Raises
        FatalError where until then all notices of a key were refused: nobody knows what to serve.
        """
        for place in list(self._waiting):
            if await self._settled(self._waiting[place]):
                del self._waiting[place]
        self._caught_up = self._caught_up or not self._waiting
        return not self._waiting

    async def _settled(self, candidates: deque[_Candidate]) -> bool:
        """Try `candidates` in turn; return whether one was taken or all were refused."""
        newest: _Refusal | None = None
        while candidates:
            answer = await self._tried(candidates[0])
            if answer is None:
                return False
            refused = candidates.popleft()
            if not isinstance(answer, _Refusal):
                self._current.change(answer)
                self.changes += 1
                return True
            self._refuse(refused, answer)
            newest = newest or answer
        if newest and not self._caught_up:
            raise FatalError(
                f"no notice in {refused.followed.topic} can be served; the newest: "
                f"{newest.problem}; announce another version, or mend the store"
            )
        return True

    async def _tried(self, candidate: _Candidate) -> Change | _Refusal | None:
        """Return what a notice changes, why it changes nothing, or None while it is waited for."""
        if candidate.record.value is None:
            return self._retracted(candidate)
        notice = self._read(candidate)
        if isinstance(notice, _Refusal):
            return notice
        try:
            check_signature(notice, self._keys)
            return await self._loaded(candidate.followed, notice)
        except SignatureError as error:
            return _Refusal("unsigned", str(error))
        except NotInStoreError as error:
            return None if self._patient(candidate) else _Refusal("absent", str(error))
        except FatalError as error:
            return _Refusal("unfit", str(error))

    async def _loaded(self, followed: Followed, notice: Notice) -> Change:
        def load() -> Change:
            return followed.load(notice, self._store.fetch(notice))

        started = self._clock()
        try:
            with self._stages.running("load", followed.kind):
                change = await asyncio.get_running_loop().run_in_executor(self._loader, load)
        except FatalError:
            raise
        except Exception as error:  # the old one serves on, whatever is wrong with the new one
            raise FatalError(f"{notice.path}: does not load: {type(error).__name__}") from error
        self._metrics.count("notices_total", kind=followed.kind, outcome="served")
        log.info(
            "notice served",
            kind=notice.kind,
            name=notice.name,
            version=notice.version,
            sha256=notice.sha256,
            seconds=round(self._clock() - started, 3),
        )
        return change

    def _read(self, candidate: _Candidate) -> Notice | _Refusal:
        record, value = candidate.record, candidate.record.value or b""
        if len(value) > CONTROL_BYTES:
            return _Refusal("malformed", f"it has {len(value)} bytes, wanted at most a notice's")
        try:
            notice = decode(value)
        except msgspec.DecodeError as error:
            return _Refusal("malformed", f"it is no notice: {error}")
        if notice.kind != candidate.followed.kind or key_of(notice).encode() != record.key:
            return _Refusal("malformed", f"it is of kind {notice.kind}, or under another key")
        return notice

    def _retracted(self, candidate: _Candidate) -> Change | _Refusal:
        retract, key = candidate.followed.retract, candidate.record.key or b""
        if retract is None:
            return _Refusal("malformed", "it has no value, and nothing else is known to serve")
        if self._keys:
            return _Refusal("unsigned", "a record without a value can't be signed")
        self._metrics.count("notices_total", kind=candidate.followed.kind, outcome="retracted")
        log.info("notice retracted", kind=candidate.followed.kind, name=key.decode())
        return retract(key.decode())

    def _patient(self, candidate: _Candidate) -> bool:
        now = self._clock()
        if candidate.deadline is None:
            candidate.deadline = now + self._wait_seconds
        return now < candidate.deadline

    def _refuse(self, candidate: _Candidate, refusal: _Refusal) -> None:
        kind, record = candidate.followed.kind, candidate.record
        self._metrics.count("notices_total", kind=kind, outcome=refusal.outcome)
        log.error(
            "notice refused",
            kind=kind,
            outcome=refusal.outcome,
            problem=refusal.problem,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
