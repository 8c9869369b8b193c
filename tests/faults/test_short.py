"""A short run of every other kind of fault: what `make faults` plays at length."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.play import play

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def test_workers_and_broker_die_and_connections_break_and_every_document_comes_out_once(
    tmp_path: Path,
) -> None:
    report = play("short", 1, tmp_path)

    account = report.account
    assert report.tried == {
        "broker_kill": 1,
        "death after_offsets": 1,
        "death after_sends": 1,
        "kill": 1,
        "reset": 1,
        "terminate": 1,
    }
    assert account.faultless, account
    assert account.events == account.documents == report.notes["published"] > 0
    assert report.notes["workers_failed"] == {}
    assert report.notes["aborted_records"] > 0
