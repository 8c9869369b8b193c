# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from tests.training.extra import need

need("torch", "onnx", "safetensors")


from onoma.cli.evaluate import command as evaluate_command
from onoma.cli.model import command as model_command
from onoma.cli.train import command
from onoma.errors import FatalError, WrongUseError
from onoma.evaluation.learning import convergence_of, curve_of, read_log
from onoma.registry import bundle
from onoma.registry.manifest import Manifest
from onoma.training import pieces
from onoma.training.files import lines_of
from onoma.training.loop import Trained
from onoma.training.names import macro_dev
from onoma.training.pieces import Place, run
from onoma.training.recipes import Pretraining, Recipe, Schedule
from tests.training.networks import RECIPE
from tests.training.sentences import SENTENCES

pytestmark = pytest.mark.train

SMALL = replace(
    RECIPE,
    schedule=replace(RECIPE.schedule, steps=30, evaluate_every=15),
    pretraining=Pretraining(schedule=Schedule(steps=12), batch=4),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpora directory with one corpus of the sentences that the tests wrote."""
    directory = tmp_path_factory.mktemp("data")
    folder = directory / "ner" / "open" / "own" / "hau"
    folder.mkdir(parents=True)
    for part, sentences in (("train", SENTENCES), ("dev", SENTENCES[:3])):
        lines = "\n\n".join(
            "\n".join(f"{token}\t{tag}" for token, tag in zip(s.tokens, s.tags, strict=True))
            for s in (replace(s, tokens=(*s.tokens, part), tags=(*s.tags, "O")) for s in sentences)
        )
        (folder / f"{part}.conll.gz").write_bytes(gzip.compress((lines + "\n").encode()))
    types = ["PER", "LOC", "ORG"]
    schemes = {"own": {"map": {name: name for name in types}, "annotates": types}}
    (directory / "labelmap.json").write_text(json.dumps(schemes))
    row = {"corpus": "own", "lang": "hau", "licence": "ours", "repo": "none", "split": "train"}
    (directory / "ner_manifest.json").write_text(json.dumps([row | {"non_commercial": False}]))
    text = directory / "text" / "open"
    text.mkdir(parents=True)
    (text / "hau.txt.gz").write_bytes(gzip.compress(b"Amina ta isa Kano yau da safe\n" * 20))
    return directory


def _run(place: Place, recipe: Recipe = SMALL) -> Manifest:
    return run(place, recipe, Console(file=io.StringIO()))


def test_a_run_ends_with_a_bundle_and_takes_its_checkpoints_away(
    data: Path, tmp_path: Path
) -> None:
    manifest = _run(Place(data, tmp_path / "model"))

    assert bundle.load(tmp_path / "model", allow_ungated=True).manifest == manifest
    assert sorted(manifest.training["pieces"]) == ["names", "words"]
    assert [row["step"] for row in manifest.training["learning"]] == [15, 30]
    assert (
        manifest.training["learning"][1]["units"] == manifest.training["pieces"]["names"]["units"]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_graph(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(Place(data, tmp_path / "whole"))
    whole = pieces.train_names

    def stopped(*arguments: Any) -> Trained:
        raise KeyboardInterrupt

    monkeypatch.setattr(pieces, "train_names", stopped)
    with pytest.raises(KeyboardInterrupt):
        _run(Place(data, tmp_path / "model"))
    monkeypatch.setattr(pieces, "train_names", whole)
    _run(Place(data, tmp_path / "model", resume=True))

    graphs = [(tmp_path / name / "model.onnx").read_bytes() for name in ("whole", "model")]
    assert graphs[0] == graphs[1]


def test_checkpoints_of_an_earlier_run_are_not_overwritten(data: Path, tmp_path: Path) -> None:
    (tmp_path / "model.checkpoints" / "words").mkdir(parents=True)

    with pytest.raises(WrongUseError, match="go on with --resume"):
        _run(Place(data, tmp_path / "model"))


def test_a_checkpoint_of_another_architecture_stops_the_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(data, tmp_path / "model")
    monkeypatch.setattr(pieces, "write", _full)
    with pytest.raises(FatalError, match=r"No space left on device.*the weights are in"):
        _run(place)

    wider = replace(SMALL, architecture=replace(SMALL.architecture, width=64))
    with pytest.raises(WrongUseError, match=r"width 32.*wanted wordhash of width 64"):
        _run(replace(place, resume=True), wider)


def test_a_run_can_start_from_a_bundle(data: Path, tmp_path: Path) -> None:
    _run(Place(data, tmp_path / "first"))

    manifest = _run(Place(data, tmp_path / "second", init=tmp_path / "first"))

    assert sorted(manifest.training["pieces"]) == ["names"]
    assert manifest.training["started_from"]["name"] == SMALL.name


def test_a_run_can_learn_from_teachers(data: Path, tmp_path: Path) -> None:
    _run(Place(data, tmp_path / "first"))
    _run(Place(data, tmp_path / "second"), replace(SMALL, seed=1, version="2"))

    teachers = (tmp_path / "first", tmp_path / "second")
    manifest = _run(Place(data, tmp_path / "student", teachers=teachers))

    names = [(one["name"], one["version"]) for one in manifest.training["teachers"]]
    assert names == [(SMALL.name, SMALL.version), (SMALL.name, "2")]
    assert "taught by" in (tmp_path / "student" / "README.md").read_text(encoding="utf-8")


def test_a_teacher_of_other_labels_is_refused_by_name(data: Path, tmp_path: Path) -> None:
    _run(Place(data, tmp_path / "first"))
    other = bundle.default_directory()

    with pytest.raises(WrongUseError, match=r"B-DATE.*a teacher must have the same ones"):
        _run(Place(data, tmp_path / "student", teachers=(tmp_path / "first", other)))

    assert not (tmp_path / "student.checkpoints").exists()


def test_the_command_trains_from_a_recipe(data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "architecture: {width: 32, layers: 2}\nschedule: {steps: 10}\n"
        "pretraining: {schedule: {steps: 3}}\nname: own\nversion: 1.2.3\n"
    )
    arguments = ["--recipe", str(recipe), "--data", str(data), "--out", str(tmp_path / "model")]

    result = CliRunner().invoke(command, arguments)

    assert result.exit_code == 0, result.output
    assert "macro dev F1" in result.output
    assert bundle.load(tmp_path / "model", allow_ungated=True).manifest.version == "1.2.3"


def _write_plain(directory: Path, kinds: tuple[str, ...]) -> Path:
    """Write files as people have them, no layout of ours: a train and a dev part in JSON lines."""
    directory.mkdir()
    for part in ("train", "dev"):
        rows = [
            {"text": f"Ada {part} {n}", "spans": [{"start": 0, "end": 3, "label": kind}]}
            for n, kind in enumerate(kinds)
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (directory / f"{part}.jsonl").write_text(lines, encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    ("kinds", "labels"),
    [
        (("PER",), ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")),
        (("PER", "SHIP"), ("O", "B-PER", "I-PER", "B-SHIP", "I-SHIP")),
    ],
)
def test_a_bundle_that_has_all_types_keeps_its_labels(
    data: Path, tmp_path: Path, kinds: tuple[str, ...], labels: tuple[str, ...]
) -> None:
    _run(Place(data, tmp_path / "first"))
    plain = _write_plain(tmp_path / "plain", kinds)

    manifest = _run(Place(plain, tmp_path / "second", init=tmp_path / "first"))

    assert manifest.labels == labels


def test_sentences_that_are_all_in_the_dev_part_are_refused(tmp_path: Path) -> None:
    plain = _write_plain(tmp_path / "plain", ("PER",))
    (plain / "train.jsonl").write_bytes((plain / "dev.jsonl").read_bytes())

    with pytest.raises(WrongUseError, match="every training sentence is also in a development set"):
        _run(Place(plain, tmp_path / "model"))


def test_the_command_starts_from_the_shipped_model_and_renames_it(tmp_path: Path) -> None:
    plain = _write_plain(tmp_path / "plain", ("PER",))
    (tmp_path / "recipe.yaml").write_text("schedule: {steps: 2}\n")
    arguments = ["--init", "shipped", "--recipe", str(tmp_path / "recipe.yaml"), "--data"]
    arguments += [str(plain), "--name", "own", "--version", "7", "--out", str(tmp_path / "model")]

    result = CliRunner().invoke(command, arguments)

    assert result.exit_code == 0, result.output
    manifest, _ = bundle.verify(tmp_path / "model")
    shipped, _ = bundle.verify(bundle.default_directory())
    assert (manifest.name, manifest.version, manifest.labels) == ("own", "7", shipped.labels)


def test_a_bundle_to_start_from_that_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    arguments = ["--init", "nowhere", "--data", str(data), "--out", str(tmp_path / "model")]

    result = CliRunner().invoke(command, arguments)

    assert result.exit_code == 2
    assert "nowhere is no directory; wanted a bundle's, or `shipped`" in result.output


def test_a_stopped_run_leaves_a_log_that_resuming_continues_without_a_row_twice(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Scores at 6, 12, 18, 24, 30, checkpoints at 10, 20, 30: the cut falls between the two.
    recipe = replace(SMALL, schedule=replace(SMALL.schedule, evaluate_every=6, checkpoint_every=10))
    whole = _run(Place(data, tmp_path / "whole"), recipe)
    place = Place(data, tmp_path / "model")

    with monkeypatch.context() as patched:
        patched.setattr(pieces, "macro_dev", lambda *given: PowerCut(macro_dev(*given), at=3))
        with pytest.raises(PowerCutError):
            _run(place, recipe)
    log = place.work / "names.jsonl"
    cut = read_log(lines_of(log))
    monkeypatch.setattr(pieces, "write", _full)
    with pytest.raises(FatalError):
        _run(replace(place, resume=True), recipe)
    resumed = read_log(lines_of(log))

    assert [score.step for score in cut] == [6, 12]
    assert [score[:3] for score in resumed] == [
        (row["step"], row["f1"], row["units"]) for row in whole.training["learning"]
    ]


class PowerCutError(Exception):
    """What ends a run without a chance to save."""


class PowerCut:
    """A score that ends the run when it is asked for the `at`th time."""

    def __init__(self, score: Callable[[], float], at: int) -> None:
        self._score = score
        self._asked = count(1)
        self._at = at

    def __call__(self) -> float:
        if next(self._asked) == self._at:
            raise PowerCutError
        return self._score()


def _full(*arguments: object, **named: object) -> Manifest:
    raise OSError("No space left on device")


@pytest.mark.parametrize("interrupted", [False, True])
def test_the_report_draws_a_training_that_is_done_or_that_still_runs(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    place = Place(data, tmp_path / "model")
    arguments = ["--data", str(data), "--report", str(tmp_path / "report")]
    if interrupted:
        monkeypatch.setattr(pieces, "write", _full)
        with pytest.raises(FatalError):
            _run(place)
        log = place.work / "names.jsonl"
        name, scores = str(log), read_log(lines_of(log))
        arguments += ["--log", name]
    else:
        manifest = _run(place)
        name = f"{manifest.name} {manifest.version}"
        scores = curve_of(manifest.training["learning"], name)
        arguments += ["--model", str(place.directory)]

    result = CliRunner().invoke(evaluate_command, arguments, catch_exceptions=False)

    assert result.exit_code == 0
    near = convergence_of(scores).near
    assert near.units > 0
    assert near.seconds > 0
    record = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert record["learning"][name]["near"] == near._asdict()
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert f"| {near.step} | {near.units:,} | {near.seconds:,.1f} |" in text
    assert (tmp_path / "report" / "learning.png").is_file()


def test_what_a_run_does_is_in_a_file_of_its_output_line_by_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "train.log"
    seen: list[str] = []

    def look(*arguments: object, **named: object) -> Manifest:
        seen.extend(path.read_text(encoding="utf-8").splitlines())
        raise OSError

    monkeypatch.setattr(pieces, "write", look)
    with path.open("w", encoding="utf-8") as file, pytest.raises(FatalError):
        run(Place(data, tmp_path / "model"), SMALL, Console(file=file))

    assert [line.split("  ")[0] for line in seen] == [
        "reading the corpora",
        "words",
        "names",
        "calibrating, exporting, scoring",
    ]


def test_a_bundle_is_judged_again_with_the_reference_that_training_kept(
    data: Path, tmp_path: Path
) -> None:
    reference = tmp_path / "kept" / "reference.onnx"
    _run(Place(data, tmp_path / "model", reference=reference))
    arguments = ["gate", str(tmp_path / "model"), "--data", str(data), "--json"]

    result = CliRunner().invoke(model_command, [*arguments, "--reference", str(reference)])

    (check,) = (
        check
        for check in json.loads(result.stdout)["checks"]
        if check["name"] == "int8 against full precision"
    )
    assert check["passed"] is not None
    assert abs(check["measured"]["macro_loss"]) < 0.1


@pytest.mark.parametrize("place", ["model/reference.onnx", "model.checkpoints/reference.onnx"])
def test_a_reference_may_not_lie_where_training_puts_its_own_files(
    data: Path, tmp_path: Path, place: str
) -> None:
    with pytest.raises(WrongUseError, match="give --keep-reference a file beside it"):
        _run(Place(data, tmp_path / "model", reference=tmp_path / place))


def test_a_reference_never_takes_the_place_of_another_file(data: Path, tmp_path: Path) -> None:
    (tmp_path / "reference.onnx").write_bytes(b"theirs")

    with pytest.raises(WrongUseError, match="exists and is never overwritten"):
        _run(Place(data, tmp_path / "model", reference=tmp_path / "reference.onnx"))
    assert (tmp_path / "reference.onnx").read_bytes() == b"theirs"
