"""For compliance officers and those who keep the lists: what is screened against, and alerts."""

from __future__ import annotations

from deploy.monitoring.dashboards.panels import (
    COUNT,
    JOB,
    JOB_VARIABLE,
    PER_SECOND,
    SECONDS,
    Board,
    Panel,
    Query,
    Variable,
)

CHOSEN = 'gazetteer=~"$gazetteer"'
LIST = f'{JOB}, gazetteer=~"$gazetteer"'

BOARD = Board(
    uid="onoma-screening",
    title="Onoma: screening",
    description="Watch lists in service, the alerts they bring, and matches that are in no alert.",
    variables=(
        JOB_VARIABLE,
        Variable(
            name="gazetteer",
            title="List",
            values_of='label_values(onoma_gazetteer_entries{job=~"$job"}, gazetteer)',
        ),
    ),
    panels=(
        Panel(
            id=1,
            title="Alerts",
            unit=PER_SECOND,
            stacked=True,
            description="alert.v1 records published in a second, by list.",
            queries=(
                Query(
                    f"sum by (gazetteer) (rate(onoma_alerts_total{{{LIST}}}[$__rate_interval]))",
                    "{{gazetteer}}",
                ),
            ),
        ),
        Panel(
            id=2,
            title="Alerts for a thousand documents",
            unit=COUNT,
            description="Alerts of each list for a thousand documents. A jump: another version of "
            "the list, of the model or of the policy, or other documents.",
            queries=(
                Query(
                    f"1000 * sum by (job, gazetteer) (rate(onoma_alerts_total{{{LIST}}}[5m]))"
                    " / on (job) group_left sum by (job) "
                    f"(rate(onoma_documents_total{{{JOB}}}[5m]) > 0)",
                    "{{gazetteer}}",
                ),
            ),
        ),
        Panel(
            id=3,
            title="Matches that are in no alert",
            unit=PER_SECOND,
            description="review: below the threshold for an alert; excluded: people judged the "
            "hit to be none; omitted: beyond the most alerts of a document, and seen by nobody.",
            queries=(
                Query(
                    "sum by (gazetteer, outcome) "
                    f"(rate(onoma_matches_without_alert_total{{{LIST}}}[$__rate_interval]))",
                    "{{gazetteer}} {{outcome}}",
                ),
            ),
        ),
        Panel(
            id=8,
            title="Lists in canaries",
            unit=PER_SECOND,
            description="Canaries that were compared with a list, or not, and planted entries that "
            "brought an alert, or not, in a second.",
            queries=(
                Query(
                    "sum by (gazetteer, outcome) "
                    f"(rate(onoma_canary_lists_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{gazetteer}} {{outcome}}",
                ),
                Query(
                    "sum by (gazetteer, outcome) "
                    f"(rate(onoma_canary_entries_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{gazetteer}} entry {{outcome}}",
                ),
            ),
        ),
        Panel(
            id=7,
            title="Names that were not screened",
            unit=COUNT,
            whole=True,
            bad_from=1,
            description="Names of the last hour's documents that were not compared with a "
            "list, beyond the most that one document may bring (`coverage.screening`).",
            queries=(
                Query(
                    f"sum by (gazetteer) (increase(onoma_unscreened_names_total{{{LIST}}}[1h]))",
                    "{{gazetteer}}",
                ),
            ),
        ),
        Panel(
            id=10,
            title="Looking for names that the model missed",
            unit=PER_SECOND,
            description="Stretches of documents that were compared with a list where the policy "
            "asks for that, matches that nothing else has found, and documents, in a second.",
            queries=(
                Query(
                    "sum by (gazetteer) "
                    f"(rate(onoma_scan_candidates_total{{{LIST}}}[$__rate_interval]))",
                    "{{gazetteer}} compared",
                ),
                Query(
                    "sum by (gazetteer) "
                    f"(rate(onoma_scan_matches_total{{{LIST}}}[$__rate_interval]))",
                    "{{gazetteer}} found",
                ),
                Query(
                    "sum by (gazetteer) "
                    f"(rate(onoma_scanned_documents_total{{{LIST}}}[$__rate_interval]))",
                    "{{gazetteer}} documents",
                ),
            ),
        ),
        Panel(
            id=11,
            title="Not looked through to the end",
            unit=COUNT,
            whole=True,
            bad_from=1,
            description="Documents of the last hour in which the policy's budget of candidates "
            "ended the search for names that the model missed (`coverage.scans`).",
            queries=(
                Query(
                    "sum by (gazetteer) (increase("
                    f'onoma_scanned_documents_total{{{LIST}, outcome="truncated"}}[1h]))',
                    "{{gazetteer}}",
                ),
            ),
        ),
        Panel(
            id=9,
            title="Lists served",
            unit=COUNT,
            description="Workers that serve each version of each list. Two lines of a list for "
            "longer than a swap or a rolling restart takes: some did not take the new one.",
            queries=(
                Query(
                    f"count by (job, gazetteer, version, sha256) (onoma_gazetteer_info{{{LIST}}})",
                    "{{job}} {{gazetteer}} {{version}} {{sha256}}",
                ),
            ),
        ),
        Panel(
            id=4,
            title="Entries",
            unit=COUNT,
            description="Entries of each list, or judgements of a list of exclusions, that are "
            "served: the most and the least of all workers. None: it is not screened against.",
            queries=(
                Query(
                    f"max by (gazetteer) (onoma_gazetteer_entries{{{LIST}}})", "{{gazetteer}} most"
                ),
                Query(
                    f"min by (gazetteer) (onoma_gazetteer_entries{{{LIST}}})", "{{gazetteer}} least"
                ),
            ),
        ),
        Panel(
            id=5,
            title="Age of the lists in service",
            unit=SECONDS,
            bad_from=36 * 3600,
            description="How long ago each list that is served was loaded, by the worker that did "
            "so first. Lists are to be built and announced every day.",
            queries=(
                Query(
                    "time() - min by (gazetteer) "
                    f"(onoma_gazetteer_last_reload_success_timestamp_seconds{{{LIST}}})"
                    " and on (gazetteer) "
                    f"max by (gazetteer) (onoma_gazetteer_entries{{{LIST}}}) > 0",
                    "{{gazetteer}}",
                ),
            ),
        ),
        Panel(
            id=6,
            title="Loading a list",
            unit=SECONDS,
            description="What verifying, opening and warming up each list took, the longest.",
            queries=(
                Query(
                    f"max by (gazetteer) (onoma_gazetteer_load_duration_seconds{{{LIST}}})",
                    "{{gazetteer}}",
                ),
            ),
        ),
    ),
)
