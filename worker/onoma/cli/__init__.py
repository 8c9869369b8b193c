"""The command line: one module per command group, loaded when it is called.

Exit codes: 0 fine, 1 failed, 2 wrong use. An error that a person can mend is one message on
standard error: what was found, what was wanted, what to do; never a traceback.
"""

from __future__ import annotations

import importlib
import logging
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import click

import onoma
from onoma import settings
from onoma.errors import FatalError, TransientError, WrongUseError
from onoma.settings import Settings

_COMMANDS = {
    "annotate": "Find the names in text or files; needs no Kafka.",
    "canary": "Watch the whole way with documents of invented names.",
    "chaos": "Kill workers on your cluster, and account for every document.",
    "check": "Say what has to be mended before a worker can run.",
    "deadletters": "Look at rejected documents and send them back.",
    "demo": "Show the whole job on an embedded broker.",
    "evaluate": "Score a model on annotated corpora.",
    "gazetteer": "Build watch lists and look into them.",
    "model": "Show, verify and promote model bundles.",
    "publish": "Publish documents to the documents' topic.",
    "reconcile": "Account for every document of a range.",
    "replay": "Compute a range again and compare every byte.",
    "run": "Run a worker.",
    "store": "Look at the versions that are kept, and remove some.",
    "top": "Watch running workers in the terminal.",
    "topics": "Create the topics.",
    "train": "Train a model from annotated corpora.",
}


class _Commands(click.Group):
    """Imports a command's module when it is asked for: `onoma --help` loads neither Kafka nor a
    model.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"onoma.cli.{name}").command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(cls=_Commands)
@click.version_option(onoma.__version__, prog_name="onoma")
def commands() -> None:
    """Read documents from Kafka, find the names in them, and prove what was read.

    Begin with `onoma demo`, or without Kafka: onoma annotate --text "Bola Ahmed Tinubu ya isa
    Abuja."
    """


def main() -> None:
    """Run the command line; the entry point of the program `onoma`."""
    # A reader that closed the pipe (`onoma annotate … | head`) ends us like any other program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # What libraries log is part of our own messages where it matters; `run` sets up logging itself.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        code = commands.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except FatalError as error:
        click.echo(f"onoma: {error}", err=True)
        sys.exit(error.exit_code)
    except TransientError as error:
        click.echo(f"onoma: {error}; try again when it is back", err=True)
        sys.exit(1)


def load_settings(config: Path | None, model_directory: Path | None = None) -> Settings:
    """Return the settings of `--config`, with the model of `--model` where it is given."""
    loaded = settings.load(config)
    if model_directory is None:
        return loaded
    chosen = loaded.model.model_copy(update={"path": model_directory})
    return loaded.model_copy(update={"model": chosen})


def require_extra(doing: str, *modules: str) -> None:
    """Raise WrongUseError where one of the extra's `modules` is not installed."""
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        raise WrongUseError(
            f"{doing} needs {' and '.join(absent)}, not installed here: install onoma[train]"
        )


config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file of settings; environment variables such as ONOMA_KAFKA__GROUP_ID go before it.",
)
model_option = click.option(
    "--model",
    "model_directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory of a model bundle; without it the one that ships with Onoma.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
