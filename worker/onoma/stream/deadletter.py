"""Stops a worker that rejects nearly everything: then the deployment is wrong, not the documents.

Without this a wrong topic or a broken release would move a whole topic into the dead letters before
anybody looks. The documents that were not published yet stay where they are and are read again by
the next worker.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from onoma.errors import FatalError
from onoma.pipeline import DeadLettered, Outcome
from onoma.settings import DeadLetters


class RejectionLimit:
    """Counts rejections over the last documents of all lanes."""

    def __init__(self, settings: DeadLetters) -> None:
        self._settings = settings
        self._recent: deque[str | None] = deque(maxlen=settings.window_documents)
        self._rejections: Counter[str] = Counter()
        self._in_a_row = 0

    def check(self, outcomes: Iterable[Outcome]) -> None:
        """Count `outcomes` that are about to be published; raise FatalError when it is too much."""
        for outcome in outcomes:
            reason = str(outcome.rejected.reason) if isinstance(outcome, DeadLettered) else None
            self._note(reason)
            self._refuse()

    def _note(self, reason: str | None) -> None:
        if len(self._recent) == self._recent.maxlen and (oldest := self._recent[0]):
            self._rejections[oldest] -= 1
        self._recent.append(reason)
        self._in_a_row = self._in_a_row + 1 if reason else 0
        if reason:
            self._rejections[reason] += 1

    def _refuse(self) -> None:
        limits, rejections = self._settings, self._rejections
        share = rejections.total() / len(self._recent)
        if limits.maximum_in_a_row and self._in_a_row >= limits.maximum_in_a_row:
            found = f"{self._in_a_row} documents in a row were rejected"
        elif len(self._recent) >= limits.minimum_documents and share > limits.maximum_share:
            found = f"{rejections.total()} of the last {len(self._recent)} documents were rejected"
        else:
            return
        reasons = ", ".join(f"{reason} {count}" for reason, count in (+rejections).most_common(3))
        raise FatalError(
            f"{found} ({reasons}): stopped before more follow. Look at `onoma deadletters list`; "
            f"if the "
            "documents are really like this, raise dead_letters.maximum_share and "
            "dead_letters.maximum_in_a_row"
        )
