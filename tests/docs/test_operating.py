"""What the page for operators says holds: its commands work, its figures are those measured."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from onoma.registry.bundle import default_directory
from tests.conftest import Unique
from tests.deploy import endurance
from tests.deploy.chart import CHART, WORKLOADS, Object, of_kind, only, render, values_of, worker
from tests.docs.terminal import ROOT, Terminal, typed, write_settings
from tests.kafka.broker import KafkaBroker

PAGE = "docs/operating.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
EXAMPLE = values_of(CHART / "ci" / "sasl-ssl-values.yaml")
NEAR = 0.1


def commands(program: str) -> list[list[str]]:
    """Return the command lines of the page that call `program`."""
    split = [shlex.split(line) for line in typed(PAGE)]
    return [words for words in split if words[0] == program]


def figure(file: str, name: str) -> float:
    """Return a figure of a benchmark."""
    record: dict[str, Any] = json.loads((ROOT / "benchmarks/results" / file).read_text("utf-8"))
    (found,) = (each["value"] for each in record["figures"] if each["name"] == name)
    return float(found)


@pytest.mark.parametrize(
    ("words", "measured"),
    [
        (r"\| the one that ships \| ([\d,]+) \|", ("worker.json", "default: worker")),
        (r"\| transformer S \| ([\d,]+) \|", ("worker.json", "S: worker")),
        (r"\| transformer M \| ([\d,]+) \|", ("worker.json", "M: worker")),
        (r"\| transformer L \| ([\d,]+) \|", ("worker.json", "L: worker")),
        (r"([\d]+) MB for a worker", ("memory.json", "resident memory, largest")),
        (r"([\d]+) MB more for a million", ("gazetteer.json", "1 M names: memory over the names")),
        (r"([\d.]+) s until the model is", ("start.json", "start to loaded and warm")),
        (r"([\d.]+) s until partitions", ("start.json", "start to ready, partitions taken")),
    ],
    ids=str,
)
def test_a_figure_of_the_page_is_the_one_that_was_measured(
    words: str, measured: tuple[str, str]
) -> None:
    (said,) = re.findall(words, TEXT)

    assert float(said.replace(",", "")) == pytest.approx(figure(*measured), rel=NEAR)


def test_size_and_memory_of_the_image_are_those_that_were_measured() -> None:
    record = json.loads(endurance.RECORD.read_text("utf-8"))
    documents, megabytes = re.findall(r"([\d,]+) documents took at most ([\d,]+) MB", TEXT)[0]

    assert int(documents.replace(",", "")) == record["documents"] == record["events"]
    assert int(megabytes) == round(record["memory_most_bytes"] / 1e6)
    (unpacked,) = re.findall(r"is (\d+) MB unpacked", TEXT)
    assert int(unpacked) == round(record["image_bytes"] / 1e6) <= 450
    assert record["refusals_of_memory"] == 0


def test_the_example_of_sizing_follows_from_its_figures() -> None:
    (words,) = re.findall(r"busiest hour: ([\d,]+) words a second", TEXT)
    (processors,) = re.findall(r"words a second, ([\d.]+) processors, so (\d\.\d)", TEXT)
    expected = 10e6 * 300 * 0.1 / 3600

    assert float(words.replace(",", "")) == pytest.approx(expected, rel=0.01)
    bare, with_room = (float(each) for each in processors)
    assert bare == pytest.approx(expected / 40_000, rel=0.02)
    assert with_room == pytest.approx(bare * 1.5, rel=0.02)


def test_every_program_of_the_page_is_one_that_is_looked_at() -> None:
    programs = {shlex.split(line)[0] for line in typed(PAGE)}

    assert programs == {"make", "buildah", "helm", "kubectl", "onoma", "openssl"}


@pytest.mark.deploy
@pytest.mark.parametrize(
    "command", [each for each in commands("helm") if each[1] != "rollback"], ids=" ".join
)
def test_what_helm_is_told_gives_objects(command: list[str]) -> None:
    assert command[2:6] == ["onoma", "deploy/helm/onoma", "--values", "values.yaml"]

    assert render(with_set(EXAMPLE, command[6:]))


@pytest.mark.deploy
@pytest.mark.parametrize("command", commands("kubectl"), ids=" ".join)
def test_what_kubectl_is_told_to_touch_is_there(command: list[str]) -> None:
    objects = render({**EXAMPLE, "fullnameOverride": "onoma"})
    name = only(objects, *WORKLOADS)["metadata"]["name"]
    known = {f"statefulset/{name}", f"{name}-0", f"{name}-1", f"pod/{name}-0", *secrets(objects)}
    named = [word for word in command if "onoma" in word and not word.startswith(("-", "username"))]

    assert named
    assert named[0] in known
    for inside in re.findall(r"-- onoma .* --config (\S+)", " ".join(command)):
        places = [mount["mountPath"] for mount in worker(objects)["volumeMounts"]]
        assert str(Path(inside).parent) in places


def test_the_commands_of_the_page_work_in_their_order(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, terminal: Terminal
) -> None:
    write_settings(kafka, unique, tmp_path)
    settings = yaml.safe_load((tmp_path / "onoma.yaml").read_text("utf-8"))
    (tmp_path / "store").mkdir()
    settings["store"] = {"path": str(tmp_path / "store")}
    (tmp_path / "onoma.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    with_kafka = [each for each in commands("onoma") if "onoma.yaml" in each]

    for command in commands("openssl"):
        terminal.run(command)
    # The page's chapters stand side by side, each for somebody who has made the topics and runs
    # workers.
    first, *others = sorted(with_kafka, key=lambda words: words[1] != "topics")
    for command in (first, ["onoma", "run", "--config", "onoma.yaml"], *others):
        known = {"DIR": str(default_directory())}
        terminal.type_in([known.get(word, word) for word in command[1:]])

    assert len(with_kafka) >= 4


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def secrets(objects: tuple[Object, ...]) -> set[str]:
    """Return the secrets that the pods mount."""
    return {
        source["secret"]["name"]
        for workload in of_kind(objects, *WORKLOADS)
        for volume in workload["spec"]["template"]["spec"]["volumes"]
        for source in volume.get("projected", {}).get("sources", [])
        if "secret" in source
    }


def with_set(values: Object, arguments: list[str]) -> Object:
    """Return `values` with what stands behind each --set, as Helm reads it."""
    merged: Object = json.loads(json.dumps(values))
    assert set(arguments[::2]) <= {"--set"}
    for assigned in arguments[1::2]:
        path, _, value = assigned.partition("=")
        *sections, last = path.split(".")
        place = merged
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = yaml.safe_load(value) if value.count(".") < 2 else value
    return merged
