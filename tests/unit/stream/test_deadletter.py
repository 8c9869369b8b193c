"""A worker that rejects nearly everything stops; one with a bad document now and then does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.errors import FatalError
from onoma.pipeline import Outcome, process
from onoma.settings import DeadLetters
from onoma.stream.deadletter import RejectionLimit
from tests.fakes import record, text_record, versions

GOOD: Outcome = process(text_record("Amina"), versions())
BAD: Outcome = process(record(b"{"), versions())
EMPTY: Outcome = process(record(None), versions())


def test_rejections_in_a_row_stop_the_worker() -> None:
    limit = RejectionLimit(DeadLetters(maximum_share=1, maximum_in_a_row=3))

    limit.check([BAD, BAD, GOOD, BAD, BAD])
    with pytest.raises(FatalError, match=r"3 documents in a row .*invalid_json 5.*in_a_row"):
        limit.check([BAD])


def test_half_of_the_last_documents_may_be_rejected_and_no_more() -> None:
    limit = RejectionLimit(DeadLetters())

    limit.check([GOOD, BAD] * 600)
    with pytest.raises(FatalError, match="501 of the last 1000 documents were rejected"):
        limit.check([BAD, BAD])


def test_few_documents_are_not_judged_by_their_share() -> None:
    RejectionLimit(DeadLetters()).check([BAD] * 99)


def test_reasons_are_named_with_their_counts() -> None:
    limit = RejectionLimit(DeadLetters(maximum_in_a_row=5))

    with pytest.raises(FatalError, match=r"\(invalid_json 3, no_value 2\)"):
        limit.check([BAD, EMPTY, BAD, EMPTY, BAD])


def test_both_limits_can_be_switched_off() -> None:
    RejectionLimit(DeadLetters(maximum_share=1, maximum_in_a_row=0)).check([BAD] * 5000)


@given(st.lists(st.sampled_from([GOOD, BAD, EMPTY]), max_size=60))
def test_the_share_is_that_of_the_window(outcomes: list[Outcome]) -> None:
    settings = DeadLetters(
        window_documents=10, minimum_documents=5, maximum_share=0.6, maximum_in_a_row=0
    )
    too_many = any(
        sum(each is not GOOD for each in outcomes[max(0, end - 10) : end]) / min(end, 10) > 0.6
        for end in range(5, len(outcomes) + 1)
    )

    if too_many:
        with pytest.raises(FatalError):
            RejectionLimit(settings).check(outcomes)
    else:
        RejectionLimit(settings).check(outcomes)
