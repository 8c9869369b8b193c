"""Writes what follows from the code and the schemas: pages, those of the chart, dashboards, Avro
schemas; `--check` says whether they are stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from deploy.helm import generate as chart
from deploy.monitoring.dashboards import generate as dashboards
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs import avro
from onoma.cli import commands
from onoma.metrics import CANARY, PREFIX, WORKER, Metric
from onoma.registry import bundle
from onoma.registry.manifest import Manifest
from onoma.settings import Settings
from onoma.training.card import accuracy_page

HERE = Path(__file__).parent
NOTE = "<!-- Made by docs/generate.py; change the code, then run `make docs`. -->"
NOTE_OF_ACCURACY = (
    "<!-- Made by docs/generate.py from the manifest of the shipped model; train or score it anew, "
    "then run `make docs`. -->"
)


def main() -> int:
    """Write the pages, or compare them; return the exit code."""
    pages = {
        HERE / "commands.md": commands_page(),
        HERE / "settings.md": settings_page(),
        HERE / "metrics.md": metrics_page(),
        HERE / "accuracy.md": accuracy_page(shipped(), NOTE_OF_ACCURACY),
        **chart.generated(),
        **avro.generated(),
        **dashboards.generated(),
    }
    if "--check" not in sys.argv[1:]:
        for path, text in pages.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path.relative_to(HERE.parent) for path, text in pages.items() if _is_stale(path, text)]
    for name in stale:
        print(f"{name} is not what the code says; run `make docs`", file=sys.stderr)
    return 1 if stale else 0


def _is_stale(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_text(encoding="utf-8") != text


def commands_page() -> str:
    """Return the page of all commands: what each says of itself under --help."""
    lines = ["# Commands", "", NOTE, "", "Exit codes: 0 fine, 1 failed, 2 wrong use.", ""]
    for path, command in _commands(commands, ("onoma",)):
        context = click.Context(
            command, info_name=" ".join(path), terminal_width=100, max_content_width=100
        )
        lines += [f"## {' '.join(path)}", "", "```text", command.get_help(context), "```", ""]
    return "\n".join(lines)


def _commands(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _commands(inner, (*path, name))


def settings_page() -> str:
    """Return the page of all settings."""
    lines = ["# Settings", "", NOTE, "", *(Settings.__doc__ or "").splitlines(), ""]
    lines += [
        "Give them in a YAML file (`--config`), in secret files below `/run/secrets/onoma` "
        "(`kafka__sasl_password`), or in the environment (`ONOMA_KAFKA__SASL_PASSWORD`); the "
        "later ones win.",
        "Durations are seconds, sizes are bytes.",
        "Unknown and contradicting settings are refused with their names.",
    ]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            lines += ["", f"## {name}", "", (section.__doc__ or "").strip(), ""]
            lines += ["| setting | default | what |", "|---|---|---|"]
            lines += [_row(name, *knob) for knob in section.model_fields.items()]
    return "\n".join(lines) + "\n"


def _row(section: str, name: str, field: FieldInfo) -> str:
    default = "" if field.default is None else f"`{field.default}`"
    return f"| `{section}.{name}` | {default} | {field.description} |"


def shipped() -> Manifest:
    """Return the manifest of the model that ships."""
    return bundle.verify(bundle.default_directory())[0]


def metrics_page() -> str:
    """Return the page of all metrics."""
    lines = ["# Metrics", "", NOTE, ""]
    lines += [
        "Served on `server.host` and `server.port` at `/metrics`, on a thread of its own.",
        "Label values come from closed sets and start at zero.",
    ]
    for heading, metrics in (("Worker", WORKER), ("Canary", CANARY)):
        lines += ["", f"## {heading}", "", "| metric | type | labels | what |", "|---|---|---|---|"]
        lines += _metric_rows(metrics)
    return "\n".join(lines) + "\n"


def _metric_rows(metrics: tuple[Metric, ...]) -> Iterator[str]:
    for metric in metrics:
        yield f"| `{PREFIX}{metric.name}` | {metric.kind} | {_labels(metric)} | {metric.help} |"


def _labels(metric: Metric) -> str:
    parts = []
    for label, values in metric.labels.items():
        closed = ", ".join(f"`{value}`" for value in values) if values else ""
        parts.append(f"{label}: {closed}" if closed else label)
    return "; ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
