"""For those who answer for the model: what is served, what it finds, in which languages, and what
it did not read.
"""

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
    Variable,
)

LANGUAGE = f'{JOB}, language=~"$language"'
DOCUMENTS = f"rate(onoma_documents_by_language_total{{{LANGUAGE}}}[$__rate_interval])"
SCORES = f"sum by (le) (rate(onoma_entity_score_bucket{{{JOB}}}[$__rate_interval]))"

BOARD = Board(
    uid="onoma-quality",
    title="Onoma: model and languages",
    description="What is served, what it finds, in which languages, and what was not read.",
    variables=(
        JOB_VARIABLE,
        Variable(
            name="language",
            title="Language",
            values_of='label_values(onoma_documents_by_language_total{job=~"$job"}, language)',
        ),
    ),
    panels=(
        Panel(
            id=1,
            title="Models served",
            unit=COUNT,
            description="Workers that serve each model. Two lines for longer than a swap or a "
            "rolling restart takes: some did not take the new one.",
            queries=(
                Query(
                    "count by (job, model, version, precision, sha256) "
                    f"(onoma_model_info{{{JOB}}})",
                    "{{job}} {{model}} {{version}} {{precision}} {{sha256}}",
                ),
            ),
        ),
        Panel(
            id=2,
            title="Notices",
            unit=COUNT,
            nothing="none",
            whole=True,
            description="Versions of models and lists that were announced, in the last half hour: "
            "served or retracted, or refused for a reason that stands in the log.",
            queries=(
                Query(
                    "sum by (job, kind, outcome) "
                    f"(increase(onoma_notices_total{{{JOB}}}[30m])) > 0",
                    "{{kind}} {{outcome}}",
                ),
            ),
        ),
        Panel(
            id=3,
            title="Not read to the end",
            unit=COUNT,
            whole=True,
            bad_from=1,
            width=6,
            description="Documents of the last hour of which a part was not read. Their events "
            "say so in `coverage`.",
            queries=(
                Query(
                    f"sum by (job) (increase(onoma_truncated_documents_total{{{JOB}}}[1h]))",
                    "{{job}}",
                ),
            ),
        ),
        Panel(
            id=14,
            title="Characters not read",
            unit=COUNT,
            whole=True,
            width=6,
            description="Characters of the last hour's documents that no model call read.",
            queries=(
                Query(
                    f"sum by (job) (increase(onoma_unread_characters_total{{{JOB}}}[1h]))",
                    "{{job}}",
                ),
            ),
        ),
        Panel(
            id=4,
            title="Languages",
            unit=PER_SECOND,
            stacked=True,
            description="Documents in a second by declared language. `other`: a language that the "
            "model doesn't list; `undeclared`: none was given.",
            queries=(Query(f"sum by (language) ({DOCUMENTS}) > 0", "{{language}}"),),
        ),
        Panel(
            id=5,
            title="How well the model knows them",
            unit=SHARE,
            description="Share of documents by what the model's manifest says of their language: "
            "trained, zero-shot, none, or undeclared.",
            queries=(
                Query(
                    f"sum by (job, support) ({DOCUMENTS})"
                    f" / on (job) group_left sum by (job) ({DOCUMENTS})",
                    "{{support}}",
                ),
            ),
        ),
        Panel(
            id=6,
            title="Entities",
            unit=PER_SECOND,
            stacked=True,
            description="Entities in published events in a second, by label.",
            queries=(
                Query(
                    f"sum by (label) (rate(onoma_entities_total{{{LANGUAGE}}}[$__rate_interval]))",
                    "{{label}}",
                ),
            ),
        ),
        Panel(
            id=7,
            title="Entities in a document, by language",
            unit=COUNT,
            description="Entities for each document. A fall in one language is often the first "
            "sign of another kind of text, or of a model that fits it worse.",
            queries=(
                Query(
                    f"sum by (language) (rate(onoma_entities_total{{{LANGUAGE}}}[5m]))"
                    " / (sum by (language) "
                    f"(rate(onoma_documents_by_language_total{{{LANGUAGE}}}[5m])) > 0)",
                    "{{language}}",
                ),
            ),
        ),
        Panel(
            id=8,
            title="Scores",
            unit=SHARE,
            description="Scores of the entities in published events: a tenth is at most, half is "
            "at most. A falling tenth: the model is less sure than it was.",
            queries=(
                Query(f"histogram_quantile(0.1, {SCORES})", "a tenth"),
                Query(f"histogram_quantile(0.5, {SCORES})", "half"),
            ),
        ),
        Panel(
            id=13,
            title="Names in canaries",
            unit=PER_SECOND,
            description="Names of canaries that had to be found, in a second: found or missed. "
            "Any that is missed: not the model that the canaries were written for, or a worse one.",
            queries=(
                Query(
                    "sum by (canary, outcome) (rate(onoma_canary_names_total[$__rate_interval]))",
                    "{{canary}} {{outcome}}",
                ),
            ),
        ),
        Panel(
            id=12,
            title="Documents marked as synthetic",
            unit=PER_SECOND,
            description="confirmed: the text is one of the policy's canaries; ignored: it is not, "
            "and the document was screened like any other.",
            queries=(
                Query(
                    "sum by (job, mark) "
                    f"(rate(onoma_marked_synthetic_documents_total{{{JOB}}}[$__rate_interval]))",
                    "{{job}} {{mark}}",
                ),
            ),
        ),
        Panel(
            id=9,
            title="Unknown tenants",
            unit=PER_SECOND,
            width=8,
            description="Documents in a second of a tenant that the policy doesn't name: they get "
            "its default.",
            queries=(
                Query(
                    "sum by (job) "
                    f"(rate(onoma_unknown_tenant_documents_total{{{JOB}}}[$__rate_interval]))",
                    "{{job}}",
                ),
            ),
        ),
        Panel(
            id=10,
            title="Loading the model",
            unit=SECONDS,
            width=8,
            description="What verifying, loading and warming up the model took, the longest.",
            queries=(
                Query(f"max by (job) (onoma_model_load_duration_seconds{{{JOB}}})", "{{job}}"),
            ),
        ),
        Panel(
            id=11,
            title="Age of the model in service",
            unit=SECONDS,
            width=8,
            description="How long ago the model was loaded, by the worker that did so first.",
            queries=(
                Query(
                    "time() - min by (job) "
                    f"(onoma_model_last_reload_success_timestamp_seconds{{{JOB}}})",
                    "{{job}}",
                ),
            ),
        ),
    ),
)
