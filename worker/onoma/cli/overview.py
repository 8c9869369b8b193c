"""Puts together what `onoma top` shows, of any number of workers, out of their scrapes.

Plain values for tables, lines and JSON alike. What only a second scrape can tell is None before it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from onoma.cli.rates import Stretch, quantiles, rate, rates_by, total, totals_by
from onoma.cli.scraping import Answer, Labels, NoAnswer, Scrape
from onoma.metrics import UNDECLARED

ALL = "all"
WINDOW_SECONDS = 10.0
"""Rates are over this much: a shorter stretch jumps, a longer one lags behind."""


@dataclass(frozen=True, slots=True)
class Row:
    """One worker, or all that answer; latencies may be infinite: above the last bucket."""

    worker: str
    state: str
    problem: str | None = None
    documents_per_second: float | None = None
    words_per_second: float | None = None
    dead_letters_per_second: float | None = None
    alerts_per_second: float | None = None
    latency_p50_seconds: float | None = None
    latency_p99_seconds: float | None = None
    lag_records: float = 0.0
    queue_documents: float = 0.0
    documents: float = 0.0
    dead_letters: float = 0.0
    alerts: float = 0.0


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """Documents that declare a language, and the names found in them."""

    language: str
    documents_per_second: float | None
    entities_per_second: float | None
    documents: float
    entities: float


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Dead letters of one reason."""

    reason: str
    per_second: float | None
    dead_letters: float


@dataclass(frozen=True, slots=True)
class ServedRow:
    """A model or a list, and how many workers serve it; `loaded_at` is a Unix time, the newest."""

    kind: str
    name: str
    version: str
    sha256: str
    workers: int
    entries: float | None
    loaded_at: float


@dataclass(frozen=True, slots=True)
class Overview:
    """All that is known at a time; `seconds` is what the rates are over."""

    seconds: float | None
    all_workers: Row
    workers: tuple[Row, ...]
    languages: tuple[LanguageRow, ...]
    dead_letters: tuple[ReasonRow, ...]
    served: tuple[ServedRow, ...]
    releases: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it for `json.dumps`; what is infinite, in no number of JSON, is a string."""
        return dict(_jsonable(asdict(self)))


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _jsonable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(inner) for inner in value]
    return "Infinity" if isinstance(value, float) and math.isinf(value) else value


class History:
    """Keeps the scrapes that rates are computed from: those of the last seconds, by worker."""

    def __init__(self, window_seconds: float = WINDOW_SECONDS) -> None:
        self._window = window_seconds
        self._kept: dict[str, list[Scrape]] = {}

    def stretches(self, answers: Iterable[Answer]) -> tuple[Stretch, ...]:
        """Note `answers` and return each worker's stretch up to them, where there is one."""
        return tuple(filter(None, map(self._stretch, answers)))

    def _stretch(self, answer: Answer) -> Stretch | None:
        kept = self._kept.setdefault(answer.worker, [])
        if isinstance(answer, NoAnswer):
            kept.clear()
            return None
        kept.append(answer)
        # The one before stays whatever its age: the interval may be longer than the window.
        while len(kept) > 2 and answer.at - kept[0].at > self._window:
            kept.pop(0)
        return Stretch(kept[0], answer) if len(kept) > 1 else None


def overview(answers: Sequence[Answer], stretches: Sequence[Stretch]) -> Overview:
    """Return what `answers` and the stretches up to them say."""
    scrapes = [answer for answer in answers if isinstance(answer, Scrape)]
    by_worker = {stretch.later.worker: stretch for stretch in stretches}
    rows = tuple(_row_of(answer, by_worker.get(answer.worker)) for answer in answers)
    return Overview(
        seconds=max((stretch.seconds for stretch in stretches), default=None),
        all_workers=_row(ALL, _worst(rows), None, scrapes, stretches),
        workers=rows,
        languages=_languages(scrapes, stretches),
        dead_letters=_dead_letters(scrapes, stretches),
        served=tuple(_served(scrapes)),
        releases=tuple(sorted({dict(told)["version"] for told, _ in _told(scrapes, "build_info")})),
    )


def _worst(rows: Sequence[Row]) -> str:
    ready = sum(row.state == "ready" for row in rows)
    return "ready" if ready == len(rows) else f"{ready} of {len(rows)}"


def _row_of(answer: Answer, stretch: Stretch | None) -> Row:
    if isinstance(answer, NoAnswer):
        return Row(answer.worker, answer.state, answer.problem)
    stretches = [stretch] if stretch else []
    return _row(answer.worker, answer.state, answer.problem, [answer], stretches)


def _row(
    worker: str,
    state: str,
    problem: str | None,
    scrapes: Sequence[Scrape],
    stretches: Sequence[Stretch],
) -> Row:
    middle, slowest = quantiles(stretches, "end_to_end_latency_seconds", (0.5, 0.99))
    return Row(
        worker=worker,
        state=state,
        problem=problem,
        documents_per_second=rate(stretches, "documents_total"),
        words_per_second=rate(stretches, "tokens_total", kind="real"),
        dead_letters_per_second=rate(stretches, "dead_letters_total"),
        alerts_per_second=rate(stretches, "alerts_total"),
        latency_p50_seconds=middle,
        latency_p99_seconds=slowest,
        lag_records=total(scrapes, "consumer_lag_records"),
        queue_documents=total(scrapes, "queue_documents"),
        documents=total(scrapes, "documents_total"),
        dead_letters=total(scrapes, "dead_letters_total"),
        alerts=total(scrapes, "alerts_total"),
    )


def _languages(scrapes: Sequence[Scrape], stretches: Sequence[Stretch]) -> tuple[LanguageRow, ...]:
    documents = totals_by(scrapes, "documents_by_language_total", "language")
    entities = totals_by(scrapes, "entities_total", "language")
    documents_rates = rates_by(stretches, "documents_by_language_total", "language")
    entities_rates = rates_by(stretches, "entities_total", "language")
    rows = [
        LanguageRow(
            language=language or UNDECLARED,
            documents_per_second=_of(documents_rates, language),
            entities_per_second=_of(entities_rates, language),
            documents=documents.get(language, 0.0),
            entities=entities.get(language, 0.0),
        )
        for language in documents.keys() | entities.keys()
    ]
    busiest_first = sorted(
        (row for row in rows if row.documents or row.entities),
        key=lambda row: (-(row.documents_per_second or 0.0), -row.documents, row.language),
    )
    return tuple(busiest_first)


def _dead_letters(scrapes: Sequence[Scrape], stretches: Sequence[Stretch]) -> tuple[ReasonRow, ...]:
    rates = rates_by(stretches, "dead_letters_total", "reason")
    totals = totals_by(scrapes, "dead_letters_total", "reason")
    rows = [ReasonRow(name, _of(rates, name), count) for name, count in totals.items() if count]
    most_first = sorted(
        rows, key=lambda row: (-(row.per_second or 0.0), -row.dead_letters, row.reason)
    )
    return tuple(most_first)


def _of(rates: dict[str, float] | None, name: str) -> float | None:
    return None if rates is None else rates.get(name, 0.0)


def _served(scrapes: Sequence[Scrape]) -> Iterator[ServedRow]:
    for series, by in _told(scrapes, "model_info"):
        loaded = max(total([one], "model_last_reload_success_timestamp_seconds") for one in by)
        yield ServedRow("model", *_identity("model", series), len(by), None, loaded)
    for series, by in _told(scrapes, "gazetteer_info"):
        only = {"gazetteer": dict(series)["gazetteer"]}
        entries = max(total([one], "gazetteer_entries", **only) for one in by)
        loaded = max(
            total([one], "gazetteer_last_reload_success_timestamp_seconds", **only) for one in by
        )
        yield ServedRow("list", *_identity("gazetteer", series), len(by), entries, loaded)


def _told(scrapes: Sequence[Scrape], name: str) -> list[tuple[Labels, list[Scrape]]]:
    """Return what an info metric says, each with the scrapes that say it."""
    found: dict[Labels, list[Scrape]] = defaultdict(list)
    for scrape in scrapes:
        for series in scrape.values(name):
            if "version" in dict(series):
                found[series].append(scrape)
    return sorted(found.items(), key=lambda item: sorted(item[0]))


def _identity(label: str, series: Labels) -> tuple[str, str, str]:
    labels = dict(series)
    return labels.get(label, ""), labels["version"], labels.get("sha256", "")
