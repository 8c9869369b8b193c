"""For whoever looks for the cause: Kafka, queues, stages, model calls, memory, of each worker."""

from __future__ import annotations

from deploy.monitoring.dashboards.panels import (
    BYTES,
    COUNT,
    INSTANCE_VARIABLE,
    INSTANCES,
    JOB,
    JOB_VARIABLE,
    PER_SECOND,
    SECONDS,
    SHARE,
    YES_NO,
    Board,
    Panel,
    Query,
)


def rate(metric: str, *by: str) -> str:
    """Return the rate of a counter of the chosen workers, summed by labels."""
    return f"sum by ({', '.join(by)}) (rate(onoma_{metric}{{{INSTANCES}}}[$__rate_interval]))"


def quantile(share: float, histogram: str, *by: str) -> str:
    """Return a quantile of a histogram of the chosen workers, by labels."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', 'le', *by)})"


BOARD = Board(
    uid="onoma-pipeline",
    title="Onoma: inside the pipeline",
    description="Where documents wait and what a worker is doing.",
    variables=(JOB_VARIABLE, INSTANCE_VARIABLE),
    panels=(
        Panel(
            id=1,
            title="Lag by partition",
            unit=COUNT,
            description="Documents that wait in each partition, as workers see it, and for the "
            "whole group as a Kafka exporter sees it, where there is one. An exporter counts "
            "records of open transactions too.",
            queries=(
                Query(
                    f"max by (job, topic, partition) (onoma_consumer_lag_records{{{INSTANCES}}})",
                    "{{topic}} {{partition}}",
                ),
                Query("onoma:outside_lag_records:sum", "{{consumergroup}} {{topic}}, exporter"),
            ),
        ),
        Panel(
            id=2,
            title="Progress by partition",
            unit=PER_SECOND,
            description="Offsets that each partition moved on in a second. None while there is "
            "lag: it is stuck.",
            queries=(
                Query(
                    "sum by (job, topic, partition) "
                    f"(rate(onoma_consumer_next_offset{{{INSTANCES}}}[$__rate_interval]))",
                    "{{topic}} {{partition}}",
                ),
            ),
        ),
        Panel(
            id=3,
            title="Brokers answer",
            unit=YES_NO,
            width=8,
            description="Whether the brokers of a worker's partitions answered when last asked.",
            queries=(
                Query(f"min by (instance) (onoma_broker_reachable{{{INSTANCES}}})", "{{instance}}"),
            ),
        ),
        Panel(
            id=4,
            title="Assignments",
            unit=COUNT,
            whole=True,
            width=8,
            description="Partitions that each worker owns, and how often it was given some in the "
            "last half hour. Each such time stops the whole group for a moment.",
            queries=(
                Query(
                    f"sum by (instance) (onoma_partitions_assigned{{{INSTANCES}}})",
                    "{{instance}} partitions",
                ),
                Query(
                    f"sum by (instance) (increase(onoma_rebalances_total{{{INSTANCES}}}[30m]))",
                    "{{instance}} times",
                ),
            ),
        ),
        Panel(
            id=14,
            title="Publications and retries",
            unit=PER_SECOND,
            width=8,
            description="Attempts to publish and commit, and steps tried again, in a second. A "
            "failed one is tried again and loses nothing.",
            queries=(
                Query(rate("commits_total", "outcome"), "{{outcome}}"),
                Query(rate("retries_total", "reason"), "again: {{reason}}"),
            ),
        ),
        Panel(
            id=5,
            title="Stages, 95 %",
            unit=SECONDS,
            description="What one call of a stage takes: admit, read, conclude, publish.",
            queries=(Query(quantile(0.95, "stage_duration_seconds", "stage"), "{{stage}}"),),
        ),
        Panel(
            id=6,
            title="Model calls",
            unit=SECONDS,
            description="What one model call takes: half and 95 % of them at most this long.",
            queries=(
                Query(quantile(0.5, "inference_duration_seconds", "model"), "{{model}} half"),
                Query(quantile(0.95, "inference_duration_seconds", "model"), "{{model}} 95 %"),
            ),
        ),
        Panel(
            id=7,
            title="Documents in a model call",
            unit=COUNT,
            width=8,
            description="Documents with a window in one model call. Few beside a lag: they are "
            "long, or their partitions wait for publications.",
            queries=(
                Query(quantile(0.5, "batch_documents"), "half"),
                Query(quantile(0.95, "batch_documents"), "95 %"),
            ),
        ),
        Panel(
            id=8,
            title="Filling of model calls",
            unit=SHARE,
            width=8,
            description="How much of its budget of words a model call used (the median).",
            queries=(Query(quantile(0.5, "batch_fill_ratio"), "half"),),
        ),
        Panel(
            id=9,
            title="Wait for the model",
            unit=SECONDS,
            width=8,
            description="From a document's fetch to its first model call, 95 % at most this long.",
            queries=(Query(quantile(0.95, "batch_wait_seconds"), "95 %"),),
        ),
        Panel(
            id=10,
            title="In flight",
            unit=COUNT,
            width=8,
            description="Documents fetched and not yet committed, and model calls that run.",
            queries=(
                Query(
                    f"sum by (instance) (onoma_queue_documents{{{INSTANCES}}})",
                    "{{instance}} documents",
                ),
                Query(
                    f"sum by (instance) (onoma_inflight_batches{{{INSTANCES}}})",
                    "{{instance}} calls",
                ),
            ),
        ),
        Panel(
            id=11,
            title="Bytes in flight",
            unit=BYTES,
            width=8,
            description="Bytes of documents fetched and not yet committed.",
            queries=(
                Query(f"sum by (instance) (onoma_queue_bytes{{{INSTANCES}}})", "{{instance}}"),
            ),
        ),
        Panel(
            id=18,
            title="Bytes read",
            unit="Bps",
            width=8,
            description="Bytes of the values of documents fetched, in a second.",
            queries=(Query(rate("document_bytes_total", "instance"), "{{instance}}"),),
        ),
        Panel(
            id=12,
            title="Work of the model",
            unit=PER_SECOND,
            description="Words and punctuation that model calls read, what they computed beside "
            "them (context, separators), and windows, in a second.",
            queries=(
                Query(rate("tokens_total", "kind"), "{{kind}}"),
                Query(rate("windows_total", "job"), "windows {{job}}"),
            ),
        ),
        Panel(
            id=13,
            title="Memory",
            unit=BYTES,
            description="Memory that can't be given back, and the limit at which the kernel ends "
            "the pod (nought: none is known).",
            queries=(
                Query(
                    f"sum by (instance) (onoma_memory_used_bytes{{{INSTANCES}}})", "{{instance}}"
                ),
                Query(
                    f"sum by (instance) (onoma_memory_limit_bytes{{{INSTANCES}}})",
                    "{{instance}} limit",
                ),
            ),
        ),
        Panel(
            id=15,
            title="Delay of the event loop",
            unit=SECONDS,
            width=8,
            description="How late the heartbeat last was. Seconds: something holds the loop.",
            queries=(
                Query(
                    f"max by (instance) (onoma_event_loop_delay_seconds{{{INSTANCES}}})",
                    "{{instance}}",
                ),
            ),
        ),
        Panel(
            id=16,
            title="Stages under watch",
            unit=SECONDS,
            width=8,
            description="How long the longest running stage of each kind has run. At its deadline "
            "(settings, section watchdog) the worker ends itself.",
            queries=(
                Query(f"max by (stage) (onoma_stage_running_seconds{{{INSTANCES}}})", "{{stage}}"),
            ),
        ),
        Panel(
            id=17,
            title="Documents tried alone",
            unit=COUNT,
            whole=True,
            width=8,
            description="Documents that workers died at and that were tried in a process of their "
            "own, in the last hour, by what came of it.",
            queries=(
                Query(
                    "sum by (outcome) "
                    f"(increase(onoma_quarantined_documents_total{{{INSTANCES}}}[1h]))",
                    "{{outcome}}",
                ),
            ),
        ),
        Panel(
            id=19,
            title="Programs",
            kind="table",
            unit=COUNT,
            width=24,
            description="Release, code and runtime of the workers.",
            queries=(
                Query(
                    f"count by (job, version, sha256, runtime) (onoma_build_info{{{JOB}}})",
                    "{{job}} {{version}} {{sha256}} {{runtime}}",
                ),
            ),
        ),
    ),
)
