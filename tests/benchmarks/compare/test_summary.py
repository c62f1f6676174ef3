"""Medians, ratios of the same round, and the rule for what got worse."""

import pytest

from benchmarks.compare.summary import Spread, find_worse, summarize


def test_a_ratio_is_to_the_reference_of_the_same_round() -> None:
    rows = summarize(
        {
            "chatmart": [{"cpu_seconds": 4.0}, {"cpu_seconds": 9.0}, {"cpu_seconds": 3.0}],
            "floor": [{"cpu_seconds": 2.0}, {"cpu_seconds": 3.0}, {"cpu_seconds": 2.0}],
        },
        "floor",
    )
    assert rows["chatmart"]["cpu_seconds"] == Spread(4.0, 3.0, 9.0)
    assert rows["chatmart"]["ratio"] == Spread(2.0, 1.5, 3.0)
    assert rows["floor"]["ratio"] == Spread(1.0, 1.0, 1.0)


def test_milliseconds_have_a_ratio_where_the_reference_has_them() -> None:
    rows = summarize(
        {"store": [{"questions_p95_ms": 30.0, "day_again_cpu_seconds": 1.0}], "floor": [{"questions_p95_ms": 20.0}]},
        "floor",
    )
    assert rows["store"]["questions_p95_ms_ratio"].median == 1.5
    assert "day_again_cpu_seconds_ratio" not in rows["store"]


def test_cpu_time_of_an_account_with_and_without_its_requests() -> None:
    rows = summarize({"chatmart": [{"cpu_seconds": 3.0, "accounts": 100}], "floor": [{"cpu_seconds": 1.0}]}, "floor")
    assert rows["chatmart"]["cpu_ms_per_account"].median == 30
    assert rows["chatmart"]["cpu_ms_beyond_floor"].median == 20


def test_without_the_reference_there_are_no_ratios() -> None:
    rows = summarize({"chatmart": [{"cpu_seconds": 3.0, "accounts": 100}]}, "floor")
    assert set(rows["chatmart"]) == {"cpu_seconds", "accounts", "cpu_ms_per_account"}


def test_a_metric_that_one_round_lacks_is_of_the_others() -> None:
    rows = summarize({"lake": [{"cpu_seconds": 1.0, "file_ratio": 2.0}, {"cpu_seconds": 3.0}]}, "")
    assert rows["lake"]["file_ratio"] == Spread(2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("new", "is_worse"),
    [
        ((1.3, 1.2, 1.4), True),
        ((1.3, 0.9, 1.4), False),  # one value is as low as before
        ((1.09, 1.08, 1.1), False),  # less than a tenth more
        ((1.15, 1.1, 1.2), False),  # inside the earlier range
        ((0.8, 0.7, 0.9), False),
    ],
)
def test_worse_is_more_than_the_noise(new: tuple[float, float, float], *, is_worse: bool) -> None:
    earlier = {"chatmart": {"ratio": Spread(1.0, 0.9, 1.2)}}
    worse = find_worse("requests", {"chatmart": {"ratio": Spread(*new)}}, earlier)
    assert bool(worse) == is_worse
    if worse:
        assert worse == ["worse: requests, chatmart: ratio 1 -> 1.3"]


@pytest.mark.parametrize(
    ("metric", "is_compared"),
    [
        ("ratio", True),
        ("peak_megabytes", True),
        ("requests", True),
        ("requests_again", True),
        ("landing_files", True),
        ("questions_p95_ms_ratio", True),
        ("cpu_seconds", False),
        ("wall_seconds", False),
        ("instructions", False),
        ("questions_p95_ms", False),
        ("cpu_ms_beyond_floor", False),
        ("requests_before_kill", False),
        ("accounts", False),
    ],
)
def test_what_depends_on_the_machine_is_not_compared(metric: str, *, is_compared: bool) -> None:
    earlier, new = ({"chatmart": {metric: Spread(value, value, value)}} for value in (1.0, 2.0))
    assert bool(find_worse("year", new, earlier)) == is_compared


def test_an_entry_or_metric_that_is_new_is_not_worse() -> None:
    row = {"ratio": Spread(2.0, 2.0, 2.0)}
    assert find_worse("year", {"chatmart": row}, {}) == []
    assert find_worse("year", {"chatmart": row}, {"chatmart": {}}) == []
