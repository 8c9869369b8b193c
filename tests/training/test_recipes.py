from __future__ import annotations

from pathlib import Path

import pytest

from onoma.errors import WrongUseError
from onoma.training.recipes import Recipe, read_recipe

RECIPES = Path(__file__).parents[2] / "recipes"


def _written(text: str, directory: Path) -> Path:
    path = directory / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["default.yaml", "smoke.yaml"])
def test_the_recipes_that_ship_can_be_read(name: str) -> None:
    assert read_recipe(RECIPES / name).schedule.steps


def test_a_field_that_is_left_out_has_its_default(tmp_path: Path) -> None:
    recipe = read_recipe(_written("schedule:\n  steps: 7\n", tmp_path))

    assert recipe.schedule.steps == 7
    assert recipe.schedule.clip == Recipe().schedule.clip
    assert recipe.variation == Recipe().variation


def test_an_empty_recipe_is_the_default_one(tmp_path: Path) -> None:
    assert read_recipe(_written("", tmp_path)) == Recipe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("variation:\n  noize: 0.3\n", "variation.noize is no field; known are .*noise"),
        ("sede: 1\n", "sede is no field"),
        ("batch: many\n", "Expected `int`, got `str`.*batch"),
        ("- a\n- b\n", "holds no fields"),
        ("a: [", "can't be read"),
    ],
)
def test_a_recipe_that_would_train_something_else_is_refused(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(WrongUseError, match=message):
        read_recipe(_written(text, tmp_path))


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match=r"none\.yaml can't be read"):
        read_recipe(tmp_path / "none.yaml")
