"""How fast the training loop is beside the prototype that it grew from: units per CPU-second.

    python -m benchmarks.training_throughput --prototype FILE [--data ../shared/data]

FILE is `wordhash_recipe.py`. Both train on the same sentences, one thread each, in turns; ours with
the default recipe. The prototype asks for bfloat16 always: where the processor has none, a copy of
it without that is what runs, or it would be compared by an emulation. Kept in
benchmarks/results/training_throughput.json.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import torch

from onoma.training.corpora import TYPES, labels_of, read_data
from onoma.training.files import Reading
from onoma.training.loop import train
from onoma.training.names import groups_of, labelled
from onoma.training.pieces import fresh_network
from onoma.training.precision import has_bfloat16
from onoma.training.recipes import Schedule, read_recipe

RECIPE = Path(__file__).parents[1] / "recipes" / "default.yaml"
RESULT = Path(__file__).parent / "results" / "training_throughput.json"
SPEED = re.compile(r"words/s (\d+)")


@click.command()
@click.option("--prototype", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), default="../shared/data")
@click.option("--sentences", default=200, show_default=True, help="Of each corpus.")
@click.option("--seconds", default=45.0, show_default=True, help="Of each turn.")
@click.option("--rounds", default=3, show_default=True)
def main(prototype: Path, data: Path, sentences: int, seconds: float, rounds: int) -> None:
    """Take turns, print and keep the medians and their ratio."""
    turns = [
        (_ours(data, sentences, seconds), _of_prototype(prototype, data, sentences, seconds))
        for _ in range(rounds)
    ]
    ours, theirs = (statistics.median(speeds) for speeds in zip(*turns, strict=True))
    record = {
        "processor_has_bfloat16": has_bfloat16(),
        "torch": torch.__version__,
        "units_per_cpu_second": {"onoma": round(ours), "prototype": round(theirs)},
        "turns": [[round(speed) for speed in turn] for turn in turns],
        "ratio": round(ours / theirs, 3),
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps(record))


def _ours(data: Path, sentences: int, seconds: float) -> float:
    recipe = replace(read_recipe(RECIPE), sentences=sentences)
    labels = labels_of(TYPES)
    network = fresh_network(recipe, labels, None)
    source = labelled(
        network, network.head, read_data(data, recipe, Reading()).train, labels, recipe
    )
    schedule = Schedule(seconds=seconds)
    trained = train(
        network, groups_of(network), [source], schedule, seed=0, progress=lambda line: None
    )
    return trained.units / trained.seconds


def _of_prototype(prototype: Path, data: Path, sentences: int, seconds: float) -> float:
    text = prototype.read_text(encoding="utf-8")
    if not has_bfloat16():
        text = text.replace("autocast('cpu',torch.bfloat16)", "autocast('cpu',enabled=False)")
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / prototype.name
        script.write_text(text, encoding="utf-8")
        settings = f"--data {data} --cap {sentences} --sup {seconds:.0f} --temp .8 --noise .33"
        command = [
            sys.executable,
            str(script),
            *settings.split(),
            "--swap",
            ".15",
            "--ema",
            ".9995",
        ]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    speeds = SPEED.findall(printed)
    if not speeds:
        raise click.ClickException(f"{prototype} finished no epoch in {seconds} s: give it more")
    return float(speeds[-1])


if __name__ == "__main__":
    main()
