"""Names of the model and of lists become one set, by a table of which each row is tried here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.contracts.entities import Entity
from onoma.gazetteer.listed import ListedName
from onoma.gazetteer.policy import EntityPolicy
from onoma.merging import RULES, Meeting, Merged, Ruling, meeting, merged, sure_enough

TEXT = "Orbal Vant Quoro went to Zubo by Mirel Kandra."
BOTH = EntityPolicy(labels={}, adds=True, corrects=True, score=0.8)


def _span(words: str) -> tuple[int, int]:
    start = TEXT.index(words)
    return start, start + len(words)


def model(words: str, label: str, score: float = 0.5) -> Entity:
    return Entity(*_span(words), label, score, words)


def listed(
    words: str, *labels: str, policy: EntityPolicy = BOTH, gazetteer: str = "zub"
) -> ListedName:
    return ListedName(*_span(words), frozenset(labels), gazetteer, policy)


def made(words: str, label: str, score: float, source: str) -> Entity:
    return Entity(*_span(words), label, score, words, source, "zub")  # type: ignore[arg-type]  # a literal


VANT = model("Vant", "PER")


@pytest.mark.parametrize(
    ("meets", "agrees", "found", "one", "expected"),
    [
        (Meeting.APART, True, [VANT], listed("Zubo", "LOC"),
         [VANT, made("Zubo", "LOC", 0.8, "gazetteer")]),
        (Meeting.SAME, True, [VANT], listed("Vant", "PER"), [made("Vant", "PER", 0.8, "merged")]),
        (Meeting.SAME, False, [VANT], listed("Vant", "LOC"), [made("Vant", "LOC", 0.8, "merged")]),
        (Meeting.WIDER, True, [VANT], listed("Orbal Vant", "PER"),
         [made("Orbal Vant", "PER", 0.8, "merged")]),
        (Meeting.WIDER, False, [VANT, model("Quoro", "LOC")], listed("Vant Quoro", "PER"),
         [made("Vant Quoro", "PER", 0.8, "merged")]),
        (Meeting.WITHIN, True, [model("Orbal Vant", "PER")], listed("Vant", "PER"),
         [model("Orbal Vant", "PER")]),
        (Meeting.WITHIN, False, [model("Orbal Vant", "PER")], listed("Vant", "LOC"),
         [model("Orbal Vant", "PER")]),
        (Meeting.CROSSING, True, [model("Orbal Vant", "PER")], listed("Vant Quoro", "PER"),
         [model("Orbal Vant", "PER")]),
        (Meeting.CROSSING, False, [model("Orbal Vant", "PER")], listed("Vant Quoro", "LOC"),
         [model("Orbal Vant", "PER")]),
    ],
    ids=[f"{meets}-{agrees}" for meets, agrees in RULES],
)  # fmt: skip
def test_each_row_of_the_table_says_what_comes_of_a_name_that_lies_so(
    meets: Meeting, agrees: bool, found: list[Entity], one: ListedName, expected: list[Entity]
) -> None:
    overlapped = [each for each in found if each.start < one.end and one.start < each.end]
    result = merged(found, [one], TEXT)

    assert meeting(one, overlapped) is meets
    assert (
        len({e.label for e in overlapped} - one.labels) == 0
    ) is agrees or meets is Meeting.WIDER
    assert list(result.entities) == expected


def test_the_table_has_a_row_for_every_way_to_lie() -> None:
    assert {meets for meets, _ in RULES} == set(Meeting)
    assert set(RULES.values()) == set(Ruling)


def test_the_greater_score_is_that_of_names_on_which_both_agree() -> None:
    (entity,) = merged([model("Vant", "PER", 0.95)], [listed("Vant", "PER")], TEXT).entities

    assert (entity.score, entity.source, entity.gazetteer) == (0.95, "merged", "zub")


def test_a_surer_model_keeps_its_label() -> None:
    sure = model("Vant", "PER", 0.8)

    assert merged([sure], [listed("Vant", "LOC")], TEXT) == Merged((sure,))
    assert merged([sure], [listed("Orbal Vant", "LOC")], TEXT) == Merged((sure,))


def test_a_list_does_only_what_the_policy_lets_it() -> None:
    adds = EntityPolicy(labels={}, adds=True, corrects=False)
    corrects = EntityPolicy(labels={}, adds=False, corrects=True)

    assert merged([VANT], [listed("Vant", "LOC", policy=adds)], TEXT) == Merged((VANT,))
    assert merged([VANT], [listed("Orbal Vant", "PER", policy=adds)], TEXT) == Merged((VANT,))
    assert merged([VANT], [listed("Zubo", "LOC", policy=corrects)], TEXT) == Merged((VANT,))


def test_a_name_that_may_be_two_things_only_confirms_one_of_them() -> None:
    two = ("LOC", "PER")

    assert merged([], [listed("Zubo", *two)], TEXT).entities == ()
    assert merged([model("Zubo", "ORG")], [listed("Zubo", *two)], TEXT).corrected == ()
    (entity,) = merged([VANT], [listed("Vant", *two)], TEXT).entities
    assert (entity.label, entity.source) == ("PER", "merged")


def test_what_the_model_read_in_another_way_is_kept_besides() -> None:
    relabelled = merged([VANT], [listed("Vant", "LOC")], TEXT)
    widened = merged([VANT], [listed("Orbal Vant", "PER")], TEXT)
    confirmed = merged([VANT], [listed("Vant", "PER")], TEXT)

    assert relabelled.corrected == widened.corrected == (VANT,)
    assert confirmed.corrected == ()


def test_of_listed_names_that_overlap_the_longest_that_does_something_decides() -> None:
    crossing = model("Vant Quoro went", "ORG", 0.99)
    names = [listed("Orbal", "PER"), listed("Orbal Vant", "PER"), listed("Zubo", "LOC")]

    assert [each.text for each in merged([], names, TEXT).entities] == ["Orbal Vant", "Zubo"]
    assert [each.text for each in merged([crossing], names, TEXT).entities] == [
        "Orbal",
        "Vant Quoro went",
        "Zubo",
    ]


def test_labels_for_which_the_list_is_not_sure_enough_are_left_out() -> None:
    least = {"PER": 0.9, "LOC": 0.8}

    found = sure_enough([listed("Vant", "PER"), listed("Zubo", "PER", "LOC")], least.__getitem__)

    assert [(one.start, sorted(one.labels)) for one in found] == [(25, ["LOC"])]


labels = st.sampled_from(["PER", "LOC", "ORG"])
scores = st.sampled_from([0.3, 0.5, 0.8, 0.95])
spans = st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda one: (one[0], sum(one)))
policies = st.builds(
    EntityPolicy, labels=st.just({}), adds=st.booleans(), corrects=st.booleans(), score=scores
)
names = st.lists(
    st.builds(
        lambda span, some, gazetteer, policy: ListedName(span[0], span[1], some, gazetteer, policy),
        spans,
        st.frozensets(labels, min_size=1, max_size=2),
        st.sampled_from(["a", "b"]),
        policies,
    ),
    max_size=8,
)


@st.composite
def entities(draw: st.DrawFn) -> list[Entity]:
    """Return entities as the model gives them: sorted and apart."""
    found, end = [], 0
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6)), max_size=5)):
        start, end = end + gap, end + gap + length
        if end <= len(TEXT):
            found.append(Entity(start, end, draw(labels), draw(scores), TEXT[start:end]))
    return found


@given(entities(), names, st.randoms(use_true_random=False))
def test_what_comes_of_names_never_overlaps_and_knows_no_order(
    found: list[Entity], given_names: list[ListedName], chance: object
) -> None:
    result = merged(found, given_names, TEXT)
    shuffled = list(given_names)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types it as object

    assert merged(found, shuffled, TEXT) == result
    pairs = zip(result.entities, result.entities[1:], strict=False)
    assert all(one.end <= other.start for one, other in pairs)
    assert all(TEXT[each.start : each.end] == each.text for each in result.entities)
    # No name of the model is lost: it stands, or a list's name is around it.
    for one in found:
        assert any(each.start <= one.start and one.end <= each.end for each in result.entities)
        same = [
            e
            for e in result.entities
            if (e.start, e.end, e.label) == (one.start, one.end, one.label)
        ]
        assert bool(same) != (one in result.corrected)
