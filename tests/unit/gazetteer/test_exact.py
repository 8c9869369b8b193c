"""Names in running text: every stretch with a name's very words is found, and no other."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.gazetteer.exact import ExactNames
from onoma.gazetteer.index import index_arrays
from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.running_text import Gap, RunningText, running_text
from onoma.text.segmentation import segment

tokens = st.sampled_from(["orbal", "vant", "al-quoro", "LLC", "limited liability company", "Zét"])
names = st.lists(tokens, min_size=1, max_size=4).map(" ".join)
texts = st.lists(tokens | st.sampled_from([",", ".", ";", "and", "\n\n"]), max_size=14).map(
    " ".join
)


def _running(text: str) -> RunningText:
    return running_text(segment(text))


def _brute_force(
    text: RunningText, listed: list[str], over: Gap
) -> set[tuple[int, int, str, bool]]:
    reach = text.reach(over).tolist()
    forms = {normalise(name) for name in listed}
    return {
        (first, last, form, form.split() == text.tokens(first, last))
        for first in range(len(text))
        for last in range(first + 1, reach[first] + 1)
        for form in forms
        if sorted(form.split()) == sorted(text.tokens(first, last))
    }


@settings(max_examples=200, deadline=None)
@given(st.lists(names, min_size=1, max_size=6), texts, st.sampled_from(Gap))
def test_what_is_found_is_what_comparing_every_stretch_finds(
    listed: list[str], text: str, over: Gap
) -> None:
    arrays = index_arrays(listed)
    forms = sorted({normalise(n) for n in listed}, key=lambda f: (len(f.replace(" ", "")), f))
    running = _running(text)

    found = list(ExactNames(arrays).find(running, over=over))

    assert {
        (each.first, each.last, forms[each.place], each.in_order) for each in found
    } == _brute_force(running, listed, over)
    assert [(each.first, each.last) for each in found] == sorted(
        (each.first, each.last) for each in found
    )


def test_a_list_without_names_finds_nothing() -> None:
    assert list(ExactNames(index_arrays(["…"])).find(_running("Orbal Vant"), over=Gap.BREAK)) == []


def test_a_long_text_is_looked_through_to_its_end() -> None:
    text = "nobody here " * 5_000 + "Vant Orbal"

    (found,) = ExactNames(index_arrays(["Orbal Vant"])).find(_running(text), over=Gap.WITHIN)

    assert (found.first, found.last, found.in_order) == (10_000, 10_002, False)
