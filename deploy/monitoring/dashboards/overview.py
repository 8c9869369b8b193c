"""For whoever is on duty: does it work, how late is it, what is lost, what fires."""

from __future__ import annotations

from deploy.monitoring.dashboards.panels import (
    COUNT,
    JOB,
    JOB_VARIABLE,
    PER_SECOND,
    SECONDS,
    SHARE,
    Board,
    Panel,
    Query,
)

WINDOWS = ("5m", "1h", "6h", "1d", "3d")
LATENCY = f"sum by (le) (rate(onoma_end_to_end_latency_seconds_bucket{{{JOB}}}[$__rate_interval]))"
CANARIES = "sum by (le) (rate(onoma_canary_latency_seconds_bucket[$__rate_interval]))"

BOARD = Board(
    uid="onoma-overview",
    title="Onoma: overview",
    description="Whether documents are screened, in time, and without loss. Start here when paged.",
    variables=(JOB_VARIABLE,),
    panels=(
        Panel(
            id=1,
            title="Workers",
            kind="stat",
            width=4,
            unit=COUNT,
            nothing="none",
            description="Workers that answered the last scrape.",
            queries=(Query(f"count by (job) (onoma_build_info{{{JOB}}})", "{{job}}"),),
        ),
        Panel(
            id=9,
            title="Last document",
            kind="stat",
            width=4,
            unit=SECONDS,
            nothing="none yet",
            description="How long ago an outcome was committed, by any worker.",
            queries=(
                Query(
                    "time() - max by (job) "
                    f"(onoma_last_document_processed_timestamp_seconds{{{JOB}}} > 0)",
                    "{{job}}",
                ),
            ),
        ),
        Panel(
            id=2,
            title="Alerts that fire",
            kind="table",
            width=16,
            unit=COUNT,
            nothing="none",
            description="Alerts of Onoma that fire now. Each links to its panel and to its "
            "runbook in the message that Alertmanager sends.",
            queries=(
                Query(
                    "sum by (job, alertname, severity) "
                    '(ALERTS{alertname=~"Onoma.*", alertstate="firing"})',
                    "{{alertname}} {{severity}} {{job}}",
                ),
            ),
        ),
        Panel(
            id=3,
            title="Lag",
            unit=COUNT,
            description="Documents that wait in the topic, and are not committed. As the workers "
            "see it: while they get no answer from a broker it is that of the last answer.",
            queries=(Query(f"onoma:lag_records:sum{{{JOB}}}", "{{job}}"),),
        ),
        Panel(
            id=4,
            title="Documents",
            unit=PER_SECOND,
            stacked=True,
            description="Documents whose outcome was published and committed, in a second.",
            queries=(
                Query(
                    "sum by (job, outcome) "
                    f"(rate(onoma_documents_total{{{JOB}}}[$__rate_interval]))",
                    "{{job}} {{outcome}}",
                ),
            ),
        ),
        Panel(
            id=5,
            title="Freshness: documents that took over 30 s",
            unit=SHARE,
            bad_from=0.144,
            description="Share of documents that took longer than 30 s from the record's "
            "timestamp to the outcome committed. The objective is at most 1 % over 30 days; above "
            "the line for an hour, a fiftieth of that is spent. Of documents that never end "
            "this says nothing: see the lag.",
            queries=tuple(
                Query(
                    f"onoma:freshness_errors:ratio_rate{window}{{{JOB}}}", f"{{{{job}}}} {window}"
                )
                for window in WINDOWS
            ),
        ),
        Panel(
            id=6,
            title="Success: documents that became dead letters",
            unit=SHARE,
            bad_from=0.0144,
            description="Share of documents that were rejected. The objective is at most 0.1 % "
            "over 30 days; above the line for an hour, a fiftieth of that is spent.",
            queries=tuple(
                Query(f"onoma:success_errors:ratio_rate{window}{{{JOB}}}", f"{{{{job}}}} {window}")
                for window in WINDOWS
            ),
        ),
        Panel(
            id=7,
            title="Dead letters by reason",
            unit=PER_SECOND,
            stacked=True,
            nothing="none",
            description="Records sent to the dead letters in a second, by reason. "
            "`onoma deadletters list` shows which.",
            queries=(
                Query(
                    "sum by (job, reason) "
                    f"(rate(onoma_dead_letters_total{{{JOB}}}[$__rate_interval])) > 0",
                    "{{job}} {{reason}}",
                ),
            ),
        ),
        Panel(
            id=8,
            title="Time from record to outcome",
            unit=SECONDS,
            bad_from=30,
            description="From the record's timestamp to its outcome committed: half, 95 % and 99 % "
            "of documents took at most this long.",
            queries=(
                Query(f"histogram_quantile(0.5, {LATENCY})", "half"),
                Query(f"histogram_quantile(0.95, {LATENCY})", "95 %"),
                Query(f"histogram_quantile(0.99, {LATENCY})", "99 %"),
                Query(f"onoma:end_to_end_latency_seconds:p99_rate5m{{{JOB}}}", "{{job}} 99 %, 5m"),
            ),
        ),
        Panel(
            id=10,
            title="Age of the newest committed record",
            unit=SECONDS,
            description="How long ago the newest record whose outcome is committed was written, "
            "the oldest of all workers. Grows too where nothing arrives.",
            queries=(
                Query(
                    "time() - min by (job) "
                    f"(onoma_consumer_position_timestamp_seconds{{{JOB}}} > 0)",
                    "{{job}}",
                ),
            ),
        ),
        Panel(
            id=12,
            title="Time since a canary came back",
            unit=SECONDS,
            bad_from=60,
            description="How long ago a document that was sent for the test was last answered, by "
            "partition. It sees the whole way, whatever the workers say.",
            queries=(
                Query(
                    "time() - max by (job, partition) (onoma_canary_last_answer_timestamp_seconds)",
                    "{{job}} {{partition}}",
                ),
            ),
        ),
        Panel(
            id=13,
            title="Canaries",
            unit=PER_SECOND,
            description="Documents sent for the test in a second, and what came of them.",
            queries=(
                Query(
                    "sum by (job, outcome) (rate(onoma_canary_documents_total[$__rate_interval]))",
                    "{{job}} {{outcome}}",
                ),
            ),
        ),
        Panel(
            id=14,
            title="Time of a canary",
            unit=SECONDS,
            description="From sending a canary to reading its event, half and 99 %.",
            queries=(
                Query(f"histogram_quantile(0.5, {CANARIES})", "half"),
                Query(f"histogram_quantile(0.99, {CANARIES})", "99 %"),
            ),
        ),
        Panel(
            id=11,
            title="Alerts on watch lists",
            unit=PER_SECOND,
            description="alert.v1 records published in a second, by list.",
            queries=(
                Query(
                    "sum by (job, gazetteer) "
                    f"(rate(onoma_alerts_total{{{JOB}}}[$__rate_interval]))",
                    "{{job}} {{gazetteer}}",
                ),
            ),
        ),
    ),
)
