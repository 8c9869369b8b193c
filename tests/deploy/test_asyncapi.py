"""asyncapi.yaml by AsyncAPI's own parser: it is valid, and describes what the worker does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from onoma.settings import Topics
from tests.contract.schemas import ROOT, schema

pytestmark = pytest.mark.node
DESCRIBE = Path(__file__).parents[2] / "tools" / "asyncapi" / "describe.mjs"
READ = {"documents", "models", "gazetteers"}
VALUES = {
    "documents": "document",
    "entities": "entities",
    "alerts": "alert",
    "models": "notice",
    "gazetteers": "notice",
}


def _described(path: Path) -> dict[str, Any]:
    result = subprocess.run(
        ["node", DESCRIBE, path], capture_output=True, text=True, check=True, timeout=120
    )
    described: dict[str, Any] = json.loads(result.stdout)
    return described


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return _described(ROOT / "asyncapi.yaml")


def test_the_parser_finds_nothing_to_say(described: dict[str, Any]) -> None:
    assert described["diagnostics"] == []
    assert described["version"] == "3.1.0"


def test_it_finds_every_topic_of_the_settings_with_its_direction_and_contract(
    described: dict[str, Any],
) -> None:
    found = {channel["address"]: channel for channel in described["channels"]}
    topics = {name: field.default for name, field in Topics.model_fields.items()}

    assert found.keys() == set(topics.values())
    for name, address in topics.items():
        channel = found[address]
        (message,) = channel["messages"]
        assert channel["operations"] == ["receive" if name in READ else "send"]
        if name in VALUES:
            assert message["payload"] == schema(VALUES[name])["$id"]
            assert message["name"] == schema(VALUES[name])["title"]
        else:
            assert message["payload"] is None
            assert message["headers"] == list(schema("dead-letter")["properties"])


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("channels:\n", "chanels:\n", "asyncapi-document-resolved"),
        ("action: receive", "action: take", "asyncapi-document-resolved"),
        ("#/channels/models", "#/channels/nothing", "invalid-ref"),
        ("entities/v1.json", "entities/v9.json", "invalid-ref"),
    ],
)
def test_it_refuses_what_is_wrong(right: str, wrong: str, code: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "schemas")
    document = tmp_path / "schemas" / "asyncapi.yaml"
    text = document.read_text(encoding="utf-8")
    assert right in text
    document.write_text(text.replace(right, wrong), encoding="utf-8")

    described = _described(document)

    assert described["version"] is None
    assert code in {each["code"] for each in described["diagnostics"]}
