"""`onoma run`: a worker, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from onoma.cli import config_option, load_settings, model_option


@click.command("run")
@config_option
@model_option
def command(config: Path | None, model_directory: Path | None) -> None:
    """Run a worker: documents in, entity events out.

    It stops on SIGTERM or Ctrl-C after publishing what it has finished. Metrics and probes are
    served on server.host and server.port: /metrics, /startupz, /livez, /readyz.

    \b
    Example:
      onoma topics create --config onoma.yaml
      onoma check --config onoma.yaml
      onoma run --config onoma.yaml
    """
    # Until the worker listens to signals there is nothing to finish: a stop is simply an end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    from onoma.stream import app

    app.run(load_settings(config, model_directory))
