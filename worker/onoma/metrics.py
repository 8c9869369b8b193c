"""All metrics of a worker and of a canary, declared as data; nothing else in the project names one.

Names carry the unit (seconds, bytes, ratio) and `_total` for counters. Label values come from
closed sets and start at zero, so that a rate exists before the first event and no document can add
a series. Docs and dashboards are tested against `CATALOGUE`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.exposition import generate_latest

from onoma.contracts.notice import KINDS
from onoma.errors import RejectionReason

PREFIX = "onoma_"

DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Buckets of OpenTelemetry's messaging conventions, in seconds."""
LATENCIES = (*DURATIONS, 30.0, 60.0)
"""With the 30 s of the freshness objective."""
RATIOS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
ROUNDS = (*LATENCIES, 120.0, 300.0, 600.0)
"""As far as a canary waits for its answer by default."""
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)

OUTCOMES = ("annotated", "dead_lettered")
STAGES = ("admit", "read", "conclude", "publish")
TRIALS = ("annotated", "rejected", "killed", "too_slow")
WATCHED_STAGES = (
    "join", "rebalance", "leave", "fetch", "call", "publish", "loop", "load", "quarantine",
)  # fmt: skip
RETRIES = ("broker_away", "publish_failed", "commit_failed")
NOTICES = ("served", "retracted", "malformed", "unsigned", "absent", "unfit")
MATCHES = ("review", "excluded", "omitted")
SCANS = ("complete", "truncated")
MARKS = ("confirmed", "ignored")
CANARIES = ("sent", "answered", "lost", "taken_for_real")
SUPPORT = ("trained", "zero_shot", "none", "undeclared")
OTHER = "other"
UNDECLARED = "undeclared"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric without its prefix; `labels` gives each label its closed set, None where it is
    known later.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    help: str
    labels: Mapping[str, tuple[str, ...] | None]
    buckets: tuple[float, ...] = ()


def _metric(
    name: str,
    kind: Literal["counter", "gauge", "histogram", "info"],
    help_: str,
    buckets: tuple[float, ...] = (),
    /,
    **labels: tuple[str, ...] | None,
) -> Metric:
    return Metric(name, kind, help_, labels, buckets)


WORKER: tuple[Metric, ...] = (
    _metric(
        "documents_total", "counter", "Documents whose outcome was published.", outcome=OUTCOMES
    ),
    _metric(
        "documents_by_language_total",
        "counter",
        "Documents by declared language and how well the model knows it.",
        language=None,
        support=SUPPORT,
    ),
    _metric("document_bytes_total", "counter", "Bytes of the values of documents fetched."),
    _metric(
        "tokens_total",
        "counter",
        "Rows that model calls computed: words and punctuation once each (a subword model: their "
        "pieces), and context, separators and special tokens.",
        kind=("real", "padding"),
    ),
    _metric("truncated_documents_total", "counter", "Documents that were not read to their end."),
    _metric(
        "unread_characters_total", "counter", "Characters of documents that no model call read."
    ),
    _metric("windows_total", "counter", "Windows read by the model."),
    _metric(
        "unknown_tenant_documents_total",
        "counter",
        "Documents of a tenant that the policy doesn't name.",
    ),
    _metric(
        "marked_synthetic_documents_total",
        "counter",
        "Documents that are marked as synthetic: confirmed, their text is one of the policy's "
        "canaries; ignored, it is not, and the document was read like any other.",
        mark=MARKS,
    ),
    _metric("batch_documents", "histogram", "Documents with a window in one model call.", SIZES),
    _metric(
        "batch_fill_ratio",
        "histogram",
        "Words and punctuation in a model call, with context and separators, over its budget.",
        RATIOS,
    ),
    _metric(
        "batch_wait_seconds",
        "histogram",
        "From a document's fetch to its first model call.",
        DURATIONS,
    ),
    _metric("queue_documents", "gauge", "Documents fetched and not yet committed."),
    _metric("queue_bytes", "gauge", "Bytes of documents fetched and not yet committed."),
    _metric("inflight_batches", "gauge", "Model calls running now."),
    _metric(
        "stage_duration_seconds", "histogram", "Time of one stage's call.", DURATIONS, stage=STAGES
    ),
    _metric(
        "inference_duration_seconds", "histogram", "Time of one model call.", DURATIONS, model=None
    ),
    _metric(
        "end_to_end_latency_seconds",
        "histogram",
        "From the record's timestamp to its outcome committed.",
        LATENCIES,
    ),
    _metric(
        "consumer_lag_records",
        "gauge",
        "Records of an assigned partition that are not committed yet.",
        topic=None,
        partition=None,
    ),
    _metric(
        "consumer_next_offset",
        "gauge",
        "Offset that the group goes on from in an assigned partition; one that stands still while "
        "there is lag is stuck.",
        topic=None,
        partition=None,
    ),
    _metric(
        "broker_reachable",
        "gauge",
        "1 if the brokers of the assigned partitions answered when they were last asked, else 0: "
        "then the lag is that of the last answer.",
    ),
    _metric(
        "consumer_position_timestamp_seconds",
        "gauge",
        "Timestamp of the newest record whose outcome is committed.",
    ),
    _metric("partitions_assigned", "gauge", "Partitions that this worker owns."),
    _metric("rebalances_total", "counter", "Assignments received from the group."),
    _metric(
        "commits_total",
        "counter",
        "Attempts to publish and commit.",
        outcome=("committed", "failed"),
    ),
    _metric(
        "dead_letters_total",
        "counter",
        "Records sent to the dead letters.",
        reason=tuple(RejectionReason),
    ),
    _metric(
        "quarantined_documents_total",
        "counter",
        "Documents tried alone in a process of their own, because workers died at them.",
        outcome=TRIALS,
    ),
    _metric(
        "retries_total", "counter", "Steps tried again because something was away.", reason=RETRIES
    ),
    _metric(
        "entities_total", "counter", "Entities in published events.", label=None, language=None
    ),
    _metric("entity_score", "histogram", "Scores of entities in published events.", RATIOS),
    _metric(
        "alerts_total",
        "counter",
        "Alerts published, by the list that they name.",
        gazetteer=None,
    ),
    _metric(
        "matches_without_alert_total",
        "counter",
        "Matches of published events that are no alert: below the policy's threshold or rules for "
        "one, excluded by people, or omitted because the policy's budget for a document was spent.",
        gazetteer=None,
        outcome=MATCHES,
    ),
    _metric(
        "scanned_documents_total",
        "counter",
        "Documents that were looked through for a list's names, by whether the policy's budget of "
        "candidates ended that.",
        gazetteer=None,
        outcome=SCANS,
    ),
    _metric(
        "scan_candidates_total",
        "counter",
        "Stretches of documents that were compared with a list because the policy asks to look for "
        "names that the model missed.",
        gazetteer=None,
    ),
    _metric(
        "scan_matches_total",
        "counter",
        "Matches, for review and above, that only looking through the document has found.",
        gazetteer=None,
    ),
    _metric(
        "unscreened_names_total",
        "counter",
        "Names of published events that were not compared with a list, because the policy's budget "
        "of names for a document was spent.",
        gazetteer=None,
    ),
    _metric(
        "gazetteer_entries",
        "gauge",
        "Entries of a watch list, or judgements of a list of exclusions, being served.",
        gazetteer=None,
    ),
    _metric(
        "gazetteer_info",
        "info",
        "Version and hash of a watch list, or list of exclusions, being served.",
        gazetteer=None,
    ),
    _metric(
        "gazetteer_load_duration_seconds",
        "gauge",
        "Time it took to verify, open and warm up a list.",
        gazetteer=None,
    ),
    _metric(
        "gazetteer_last_reload_success_timestamp_seconds",
        "gauge",
        "When a list was last loaded.",
        gazetteer=None,
    ),
    _metric(
        "notices_total",
        "counter",
        "Notices of control topics that were tried: served or retracted, or refused because the "
        "record is no notice, is not signed by one of the keys, names what never showed up in the "
        "store, or what is not fit to serve. A refused one changes nothing.",
        kind=KINDS,
        outcome=NOTICES,
    ),
    _metric("model_info", "info", "The model being served."),
    _metric(
        "model_load_duration_seconds",
        "gauge",
        "Time it took to verify, load and warm up the model.",
    ),
    _metric(
        "model_last_reload_success_timestamp_seconds", "gauge", "When the model was last loaded."
    ),
    _metric(
        "last_document_processed_timestamp_seconds", "gauge", "When an outcome was last committed."
    ),
    _metric(
        "stage_running_seconds",
        "gauge",
        "How long the stage that the watchdog watches has run by now, the longest of its kind; 0 "
        "while none runs.",
        stage=WATCHED_STAGES,
    ),
    _metric(
        "memory_used_bytes",
        "gauge",
        "Memory that can't be given back: of the control group where it has a limit (a document "
        "tried alone counts too), else of the worker's process.",
    ),
    _metric("memory_limit_bytes", "gauge", "Most memory of the control group; 0 without a limit."),
    _metric("event_loop_delay_seconds", "gauge", "How late the event loop's heartbeat last was."),
    _metric("build_info", "info", "The worker's release, code and runtime."),
)
"""Of `onoma run`."""

CANARY: tuple[Metric, ...] = (
    _metric(
        "canary_documents_total",
        "counter",
        "Canaries: sent and acknowledged; answered by their event; lost, no event within "
        "canary.lost_seconds; and taken_for_real, answered by one that is not marked as synthetic.",
        outcome=CANARIES,
    ),
    _metric(
        "canary_last_answer_timestamp_seconds",
        "gauge",
        "When a canary of the partition was last answered; until the first, when this process "
        "started.",
        partition=None,
    ),
    _metric(
        "canary_latency_seconds",
        "histogram",
        "From sending a canary to reading its event.",
        ROUNDS,
    ),
    _metric(
        "canary_names_total",
        "counter",
        "Names of answered canaries that had to be found, by the canary's text: found, or missed.",
        canary=None,
        outcome=("found", "missed"),
    ),
    _metric(
        "canary_lists_total",
        "counter",
        "Answers of canaries in which a list of canary.lists was compared with names (screened), "
        "or was not.",
        gazetteer=None,
        outcome=("screened", "missed"),
    ),
    _metric(
        "canary_entries_total",
        "counter",
        "Planted entries of answered canaries, by list: hit by an alert that was read, or missed.",
        gazetteer=None,
        outcome=("hit", "missed"),
    ),
)
"""Of `onoma canary run`."""

CATALOGUE = WORKER + CANARY

_KINDS = {"counter": Counter, "gauge": Gauge, "histogram": Histogram, "info": Info}


class Metrics:
    """The metrics of one process, in a registry of their own; safe to use from any thread."""

    def __init__(
        self,
        *,
        languages: Iterable[str] = (),
        labels: Iterable[str] = (),
        model: str = "",
        catalogue: tuple[Metric, ...] = WORKER,
    ) -> None:
        self._catalogue = catalogue
        self.languages = frozenset(languages) | {OTHER, UNDECLARED}
        self.registry = CollectorRegistry()
        later = {
            "language": tuple(sorted(self.languages)),
            "label": tuple(sorted(labels)),
            "model": (model,),
        }
        self._metrics = {metric.name: self._create(metric, later) for metric in catalogue}

    def extend(self, *, languages: Iterable[str], labels: Iterable[str], model: str) -> None:
        """Add what another model brings to the closed sets of label values; the old stay."""
        self.languages |= frozenset(languages)
        self._extend(
            {
                "language": tuple(sorted(self.languages)),
                "label": tuple(sorted(labels)),
                "model": (model,),
            }
        )

    def extend_gazetteers(self, names: Iterable[str]) -> None:
        """Add lists to the closed set of label values; those no longer served stay."""
        self._extend({"gazetteer": tuple(sorted(names))})

    def extend_canaries(self, names: Iterable[str], gazetteers: Iterable[str]) -> None:
        """Add texts of a canary, and the lists that it watches, to the closed sets."""
        self._extend({"canary": tuple(sorted(names)), "gazetteer": tuple(sorted(gazetteers))})

    def _extend(self, later: Mapping[str, tuple[str, ...]]) -> None:
        for metric in self._catalogue:
            if later.keys() & metric.labels.keys():
                self._begin(self._metrics[metric.name], metric, later)

    def count(self, name: str, amount: float = 1, /, **labels: str) -> None:
        """Add `amount` to a counter."""
        self._child(name, labels).inc(amount)

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        self._child(name, labels).set(value)

    def add(self, name: str, amount: float, /, **labels: str) -> None:
        """Add `amount`, which may be negative, to a gauge."""
        self._child(name, labels).inc(amount)

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """Put `value` into a histogram."""
        self._child(name, labels).observe(value)

    def info(self, name: str, /, *, of: Mapping[str, str] | None = None, **values: str) -> None:
        """Set the labels of an info metric; `of` names the one of several that it is about."""
        self._child(name, of or {}).info(values)

    def forget(self, name: str, /, *labels: str) -> None:
        """Drop one series, as that of a partition that was given away."""
        self._metrics[name].remove(*labels)

    def language_label(self, declared: str | None) -> str:
        """Return the label value of a declared language: itself, `other` or `undeclared`."""
        if declared is None:
            return UNDECLARED
        for name in (declared, declared.split("-", 1)[0]):
            if name in self.languages:
                return name
        return OTHER

    def exposition(self) -> bytes:
        """Return all metrics in the text format that Prometheus scrapes."""
        return generate_latest(self.registry)

    def _create(self, metric: Metric, later: Mapping[str, tuple[str, ...]]) -> Any:
        options = {"buckets": metric.buckets} if metric.buckets else {}
        # prometheus_client adds `_total` and `_info` itself.
        name = PREFIX + metric.name.removesuffix("_total").removesuffix("_info")
        created = _KINDS[metric.kind](
            name, metric.help, tuple(metric.labels), registry=self.registry, **options
        )
        self._begin(created, metric, later)
        return created

    @staticmethod
    def _begin(created: Any, metric: Metric, later: Mapping[str, tuple[str, ...]]) -> None:
        """Make the series of all label values that are known, so that they start at zero."""
        sets = [values or later.get(label) for label, values in metric.labels.items()]
        if metric.labels and all(sets):
            for values in product(*(values or () for values in sets)):
                created.labels(*values)

    def _child(self, name: str, labels: Mapping[str, str]) -> Any:
        metric = self._metrics[name]
        return metric.labels(**labels) if labels else metric
