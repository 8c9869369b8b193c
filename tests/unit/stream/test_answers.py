"""Each canary is judged once, by its event and the alerts it announces, in whatever order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from onoma.metrics import CANARY, Metrics
from onoma.stream.answers import ALERT_SECONDS, Answers
from onoma.stream.canaries import Canary, ExpectedHit, ExpectedName

TEXT = "Then Orbal Vant came to Zaria."
VANT = {"start": 5, "end": 15, "label": "PER"}
ZARIA = {"start": 24, "end": 29, "label": "LOC"}
OTHER = {"start": 0, "end": 4, "label": "PER"}
CANARY_TEXT = Canary(
    name="en",
    text=TEXT,
    names=(ExpectedName("Orbal Vant", "PER"), ExpectedName("Zaria", "LOC")),
    hits=(ExpectedHit("zub", "z:1"), ExpectedHit("unwatched", "u:1")),
)


class Watched:
    """Answers about one canary, `c`, sent to partition 3 at 100.0."""

    def __init__(self, *lists: str) -> None:
        self.metrics = Metrics(catalogue=CANARY)
        self.metrics.extend_canaries(["en"], lists)
        self.answers = Answers(lists, self.metrics)
        self.answers.sent("c", CANARY_TEXT, 3, 100.0)

    def event(
        self,
        *entities: dict[str, object],
        synthetic: bool = True,
        document_id: str = "c",
        screening: dict[str, int] | None = None,
        names: int = 1,
        now: float = 101.5,
    ) -> None:
        """See an event that announces the alerts of `screening`."""
        rest = {"reviews": 0, "excluded": 0, "omitted": 0}
        coverage: dict[str, object] = {"ratio": 1.0}
        if screening is not None:
            coverage["screening"] = [
                {"gazetteer": name, "names": names, "alerts": alerts, **rest}
                for name, alerts in screening.items()
            ]
        event = {
            "document_id": document_id,
            "synthetic": synthetic,
            "entities": entities,
            "coverage": coverage,
        }
        self.answers.see_event(json.dumps(event).encode(), now, 1e9 + now)

    def alert(
        self, entry_id: str, gazetteer: str = "zub", *, number: int = 0, document_id: str = "c"
    ) -> None:
        """See an alert."""
        alert = {
            "alert_id": f"{gazetteer}-{entry_id}-{number}",
            "document_id": document_id,
            "gazetteer": {"name": gazetteer},
            "entry": {"entry_id": entry_id},
        }
        self.answers.see_alert(json.dumps(alert).encode())

    def value(self, name: str, **labels: str) -> float:
        """Return a sample."""
        (found,) = [
            sample.value
            for family in text_string_to_metric_families(self.metrics.exposition().decode())
            for sample in family.samples
            if sample.name == f"onoma_canary_{name}" and sample.labels == labels
        ]
        return found

    @property
    def names(self) -> tuple[int, ...]:
        """Return the names found, and missed."""
        return self._counts("names_total", "found", "missed", canary="en")

    @property
    def entries(self) -> tuple[int, ...]:
        """Return the entries hit, and missed."""
        return self._counts("entries_total", "hit", "missed", gazetteer="zub")

    def _counts(self, name: str, *outcomes: str, **labels: str) -> tuple[int, ...]:
        return tuple(int(self.value(name, outcome=outcome, **labels)) for outcome in outcomes)


def test_a_canary_without_lists_comes_back_with_its_event() -> None:
    watched = Watched()

    watched.event(VANT, OTHER, ZARIA)

    assert len(watched.answers) == 0
    assert watched.names == (2, 0)
    assert watched.value("documents_total", outcome="answered") == 1
    assert watched.value("latency_seconds_sum") == 1.5
    assert watched.value("last_answer_timestamp_seconds", partition="3") == 1e9 + 101.5


@pytest.mark.parametrize(
    ("found", "names"),
    [
        ((), (0, 2)),
        ((VANT,), (1, 1)),
        (({**VANT, "label": "ORG"}, ZARIA), (1, 1)),
        (({**VANT, "end": 14}, ZARIA), (1, 1)),
        ((VANT, ZARIA, OTHER), (2, 0)),
        (({**VANT, "source": "merged"}, {**ZARIA, "source": "model"}), (2, 0)),
        (({**VANT, "source": "gazetteer"}, ZARIA), (1, 1)),
    ],
)
def test_a_name_is_found_only_as_it_stands_and_as_what_it_is(
    found: tuple[dict[str, object], ...], names: tuple[int, int]
) -> None:
    watched = Watched()

    watched.event(*found)

    assert watched.names == names


STEPS: tuple[Callable[[Watched], None], ...] = (
    lambda watched: watched.event(VANT, ZARIA, screening={"zub": 2}),
    lambda watched: watched.alert("z:2"),
    lambda watched: watched.alert("z:1"),
)


@pytest.mark.parametrize("steps", tuple(itertools.permutations(STEPS)))
def test_a_planted_entry_is_hit_in_whatever_order_event_and_alerts_are_read(
    steps: tuple[Callable[[Watched], None], ...],
) -> None:
    watched = Watched("zub")

    for step in steps:
        step(watched)

    assert watched.entries == (1, 0)
    assert watched.value("lists_total", gazetteer="zub", outcome="screened") == 1


def test_what_is_read_twice_is_judged_once() -> None:
    watched = Watched("zub")
    for _ in range(3):
        watched.event(VANT, screening={"zub": 2})
        watched.alert("z:2")
    assert watched.entries == (0, 0)

    for _ in range(2):
        watched.alert("z:1")
        watched.event(VANT, screening={"zub": 2})

    assert (watched.entries, watched.names) == ((1, 0), (1, 1))
    assert watched.value("documents_total", outcome="answered") == 1


def test_a_list_that_is_stopped_shows_at_once() -> None:
    watched = Watched("zub")

    watched.event(VANT, ZARIA, screening={"yar": 0})

    assert watched.entries == (0, 1)
    assert watched.value("lists_total", gazetteer="zub", outcome="missed") == 1
    assert len(watched.answers) == 0


def test_a_list_that_is_empty_or_lacks_the_entry_shows_at_once() -> None:
    watched = Watched("zub")

    watched.event(VANT, screening={"zub": 0})

    assert watched.entries == (0, 1)
    assert watched.value("lists_total", gazetteer="zub", outcome="screened") == 1


def test_a_list_that_was_compared_with_nothing_was_not_screened() -> None:
    watched = Watched("zub")

    watched.event(screening={"zub": 0}, names=0)

    assert watched.value("lists_total", gazetteer="zub", outcome="missed") == 1


def test_other_entries_in_the_announced_alerts_are_no_hit() -> None:
    watched = Watched("zub")

    watched.event(VANT, screening={"zub": 2})
    watched.alert("z:2")
    watched.alert("z:3")

    assert watched.entries == (0, 1)


def test_an_alert_that_never_comes_is_missed_after_a_while() -> None:
    watched = Watched("zub")
    watched.event(VANT, screening={"zub": 1}, now=101.0)

    assert watched.answers.expire(101.0 + ALERT_SECONDS, 600) == 0
    assert watched.entries == (0, 0)
    assert watched.answers.expire(101.1 + ALERT_SECONDS, 600) == 0

    assert watched.entries == (0, 1)
    assert len(watched.answers) == 0
    assert watched.value("documents_total", outcome="lost") == 0


def test_a_canary_without_an_answer_is_lost_once() -> None:
    watched = Watched("zub")

    assert watched.answers.expire(700.0, 600) == 0
    assert watched.answers.expire(700.1, 600) == 1
    assert watched.answers.expire(900.0, 600) == 0

    watched.event(VANT, screening={"zub": 1})
    assert watched.value("documents_total", outcome="lost") == 1
    assert watched.value("documents_total", outcome="answered") == 0
    assert watched.entries == (0, 0)


def test_a_canary_that_was_taken_for_real_shows_with_its_partition() -> None:
    watched = Watched()

    watched.event(VANT, synthetic=False)

    assert watched.value("documents_total", outcome="taken_for_real") == 1
    assert watched.answers.taken_for_real == {3}


def test_documents_of_others_are_passed_over() -> None:
    watched = Watched("zub")

    watched.event(VANT, document_id="d", screening={"zub": 1}, synthetic=False)
    watched.alert("z:1", document_id="d")

    assert (watched.names, watched.entries) == ((0, 0), (0, 0))
    assert watched.answers.taken_for_real == set()
    assert len(watched.answers) == 1
