"""Every offset of a range gets exactly one answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onoma.errors import RejectionReason
from onoma.stream.ledger import FATES, Ledger, Run

offsets = st.integers(min_value=-2, max_value=30)


def filled(begin: int, end: int, *, documents: int, events: int) -> Ledger:
    """Return a ledger of so many documents and events from `begin` on."""
    ledger = Ledger(3, begin, end)
    for offset in range(begin, begin + documents):
        ledger.note_document(offset, 1000 + offset)
    for offset in range(begin, begin + events):
        ledger.note_event(offset)
    return ledger


def test_each_offset_has_the_outcome_that_was_found_for_it() -> None:
    ledger = filled(10, 20, documents=9, events=4)
    ledger.note_dead_letter(14, "invalid_json")

    account = ledger.account(committed=17)

    assert account.runs == (
        Run(10, 14, "annotated"),
        Run(14, 15, "dead_lettered", "invalid_json"),
        Run(15, 17, "missing"),
        Run(17, 19, "pending"),
        Run(19, 20, "no_record"),
    )
    assert account.reasons() == {"invalid_json": 1}


def test_without_a_committed_offset_nothing_is_missing() -> None:
    account = filled(0, 3, documents=3, events=1).account(committed=None)

    assert account.runs == (Run(0, 1, "annotated"), Run(1, 3, "pending"))


def test_a_document_older_than_the_oldest_event_kept_is_not_called_missing() -> None:
    account = filled(0, 6, documents=6, events=0).account(committed=6, kept_from=4)

    assert account.runs == (Run(0, 4, "outcome_expired"), Run(4, 6, "missing"))


def test_an_outcome_beyond_the_first_is_counted_as_repeated() -> None:
    ledger = filled(0, 2, documents=2, events=2)
    ledger.note_event(1)
    ledger.note_dead_letter(1, "empty_text")

    assert ledger.account(committed=2).repeated == 2


def test_two_reasons_side_by_side_are_two_runs_and_an_unknown_one_is_other() -> None:
    ledger = filled(0, 3, documents=3, events=0)
    for offset, reason in enumerate(("empty_text", "no_value", "of a later version")):
        ledger.note_dead_letter(offset, reason)

    assert [run.reason for run in ledger.account(3).runs] == ["empty_text", "no_value", "other"]


def test_every_reason_of_a_worker_is_known() -> None:
    ledger = Ledger(0, 0, len(RejectionReason))
    for offset, reason in enumerate(RejectionReason):
        ledger.note_dead_letter(offset, str(reason))

    assert set(ledger.account(0).reasons()) == {str(reason) for reason in RejectionReason}


@given(
    documents=st.sets(offsets),
    events=st.lists(offsets),
    letters=st.lists(offsets),
    committed=st.none() | offsets,
    kept_from=offsets,
)
def test_the_counts_add_up_to_the_range_and_agree_with_one_look_at_each_offset(
    documents: set[int],
    events: list[int],
    letters: list[int],
    committed: int | None,
    kept_from: int,
) -> None:
    ledger = Ledger(0, 0, 29)
    for offset in documents:
        ledger.note_document(offset, 0)
    for offset in events:
        ledger.note_event(offset)
    for offset in letters:
        ledger.note_dead_letter(offset, "empty_text")

    account = ledger.account(committed, kept_from)

    def fate(offset: int) -> str:
        if offset in letters:
            return "dead_lettered"
        if offset in events:
            return "annotated"
        if offset not in documents:
            return "no_record"
        if committed is None or offset >= committed:
            return "pending"
        return "outcome_expired" if offset < kept_from else "missing"

    told = [run.fate for run in account.runs for _ in range(run.begin, run.end)]
    assert told == [fate(offset) for offset in range(29)]
    assert {name: told.count(name) for name in FATES} == account.counts()
    found = [offset for offset in (*events, *letters) if 0 <= offset < 29]
    assert account.repeated == len(found) - len(set(found))
    assert ledger.lacks(committed) is any(
        fate(offset) in ("missing", "outcome_expired") for offset in range(29)
    )
