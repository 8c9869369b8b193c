"""`onoma check`: what a worker would stumble over, before it is run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import click

from onoma.cli import config_option, json_option, load_settings
from onoma.errors import FatalError, TransientError
from onoma.settings import Settings


@click.command("check")
@config_option
@json_option
def command(config: Path | None, as_json: bool) -> None:
    """Check settings, policy and its canaries, model, lists, topics and store; print a line for
    each problem and exit 1 if there is any.

    Settings that can't be used at all exit 2, as they do in `onoma run`.
    """
    loaded = load_settings(config)
    steps: dict[str, Callable[[Settings], list[str]]] = {
        "policy": _policy,
        "model": _model,
        "gazetteers": _gazetteers,
        "kafka": _kafka,
        "store": _store,
    }
    found = {name: _problems(step, loaded) for name, step in steps.items()}
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for name, problems in found.items():
            click.echo(f"{name}: {'ok' if not problems else ''}".rstrip())
            for problem in problems:
                click.echo(f"  {problem}")
    if any(found.values()):
        raise click.exceptions.Exit(1)


def _problems(step: Callable[[Settings], list[str]], loaded: Settings) -> list[str]:
    try:
        return step(loaded)
    except (FatalError, TransientError) as error:
        return str(error).splitlines()


def _policy(loaded: Settings) -> list[str]:
    from onoma.stream import app, canaries

    policy = app.load_policy(loaded.policy.path).policy
    if policy.canaries:
        canaries.refuse_unknown(canaries.load(loaded.canary.path), policy)
    return []


def _model(loaded: Settings) -> list[str]:
    from onoma.stream import app

    app.load_model(loaded)
    return []


def _gazetteers(loaded: Settings) -> list[str]:
    from onoma.gazetteer.served import open_all

    open_all(loaded.gazetteers.lists)
    return []


def _store(loaded: Settings) -> list[str]:
    from onoma.stream import app

    if loaded.store.path is not None:
        app.open_store(loaded)
        app.public_keys(loaded)
    return []


def _kafka(loaded: Settings) -> list[str]:
    from onoma.stream import app, topics

    limits = app.load_policy(loaded.policy.path).policy.limits
    return topics.problems(loaded, limits, asyncio.run(topics.describe(loaded, limits)))
