"""`onoma gazetteer build --from-topic`: the newest value of each key of a topic becomes a list."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from onoma import settings
from onoma.stream.client import producing
from onoma.stream.demo_broker import DemoBroker
from onoma.stream.publishing import Message, send_all
from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.stream.demo import Answer, onoma, write_config

TOPIC = "entries"


def entry(key: bytes | None, partition: int, **said: object) -> Message:
    value = json.dumps(said).encode() if said else None
    return Message(key, value, (), partition)


def build(tmp_path: Path, messages: Sequence[Message], *options: str) -> Answer:
    """Publish `messages` to a broker of their own and build a list of them."""
    with DemoBroker({TOPIC: 2}) as broker:
        config = write_config(tmp_path / "onoma.yaml", broker.bootstrap)
        loaded = settings.load(config)

        async def send() -> None:
            async with producing(loaded) as producer:
                await send_all(producer, TOPIC, messages, loaded)

        asyncio.run(send())
        given = options or ("--from-topic", TOPIC)
        return onoma("gazetteer", "build", *given, "--name", "zub", "--json",
                     "--out", str(tmp_path / "1"), "--config", str(config))  # fmt: skip


def test_the_newest_value_of_each_key_is_an_entry_and_a_null_takes_it_away(
    tmp_path: Path,
) -> None:
    answer = build(
        tmp_path,
        [
            entry(b"z:1", 0, name="Orbal Vant", type="person"),
            entry(b"z:2", 0, name="Meliva"),
            entry(b"z:3", 1, name="Zubo", aliases=["Z"]),
            entry(b"z:1", 0, name="Orbal Vanta", type="person"),
            entry(b"z:2", 0),
        ],
    )
    shown = onoma("gazetteer", "show", str(tmp_path / "1"), "--entry", "z:1", "--json")
    report = json.loads(answer.output)

    assert answer.code == 0, answer.errors
    assert (report["entries"], report["names"]) == (2, 3)
    assert report["records"] == {TOPIC: 2}
    assert json.loads(shown.output)["names"][0]["text"] == "Orbal Vanta"


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (Message(b"z:9", b"[1]", (), 1), "entries[1]:0: is no JSON object"),
        (Message(None, b"{}", (), 1), "found no key at offset 0 of partition 1"),
        (Message(b"\xff", b"{}", (), 1), "entries[1]:0: the key is no UTF-8"),
        (entry(b"z:9", 1, name={"first": "a"}), "entries[1]:0: found a dict for name"),
    ],
)
def test_what_is_no_entry_is_named_by_its_place(
    tmp_path: Path, message: Message, complaint: str
) -> None:
    answer = build(tmp_path, [message])

    assert answer.code == 1
    assert complaint in answer.errors
    assert not (tmp_path / "1").exists()


def test_a_topic_without_entries_is_refused(tmp_path: Path) -> None:
    answer = build(tmp_path, [])

    assert answer.code == 1
    assert "entries: found no entry" in answer.errors


def test_a_topic_that_is_not_there_is_named(
    tmp_path: Path, kafka: KafkaBroker, unique: Unique
) -> None:
    config = write_config(tmp_path / "onoma.yaml", kafka.bootstrap)
    absent = unique("entries")
    answer = onoma("gazetteer", "build", "--from-topic", absent, "--name", "zub", "--out",
                   str(tmp_path / "1"), "--config", str(config))  # fmt: skip

    assert answer.code == 1
    assert f"found no topic {absent}" in answer.errors
