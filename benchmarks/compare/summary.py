"""Medians, ranges and ratios of measured runs, and what got worse since an earlier table. Plain numbers, no input."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.compare.workload import Values

RATIO = "ratio"
TOLERANCE = 0.1
"""A change by a smaller part is noise, whatever the ranges say."""

_MACHINE_BOUND = ("cpu_seconds", "wall_seconds", "instructions", "cpu_ms", "p50_ms", "p95_ms")
"""Ends of the names of metrics that can only be compared between machines as ratios to the reference entry."""

_NO_GOAL = ("accounts", "runs", "requests_before_kill", "most_at_once", "wall_seconds")
"""Metrics of which less is not better, or that other programs move too far."""


@dataclass(frozen=True)
class Spread:
    """The median, the least and the greatest of some values."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


Rows = Mapping[str, Mapping[str, Spread]]
"""The spreads of a workload by entry and metric."""


def summarize(runs: Mapping[str, Sequence[Values]], reference: str) -> Rows:
    """Return the spreads, with ratios of CPU seconds to those of the reference entry in the same round.

    A metric that can be compared between machines only as a ratio has one as well, named `<metric>_ratio`, if the
    reference has the metric. Entries with `accounts` also have CPU milliseconds per account, in all and beyond the
    reference's.
    """
    rows = {}
    for name, measured in runs.items():
        references = runs.get(reference) or [{}] * len(measured)
        complete = [
            {**values, **_derive(values, reference_values)}
            for values, reference_values in zip(measured, references, strict=False)
        ]
        rows[name] = {
            metric: Spread.of([values[metric] for values in complete if metric in values]) for metric in complete[0]
        }
    return rows


def _derive(values: Values, reference: Values) -> dict[str, float]:
    derived = {}
    for metric, value in values.items():
        if metric not in _NO_GOAL and metric.endswith(_MACHINE_BOUND) and reference.get(metric):
            derived[RATIO if metric == "cpu_seconds" else f"{metric}_{RATIO}"] = value / reference[metric]
    if "accounts" in values:
        derived["cpu_ms_per_account"] = values["cpu_seconds"] * 1000 / values["accounts"]
        if "cpu_seconds" in reference:
            beyond = values["cpu_seconds"] - reference["cpu_seconds"]
            derived["cpu_ms_beyond_floor"] = beyond * 1000 / values["accounts"]
    return derived


def find_worse(workload: str, new: Rows, old: Rows) -> list[str]:
    """Return a sentence for each metric that got worse by more than the noise.

    Worse is a median above the tolerance and above all earlier values, while no new value is as low as the earlier
    median. Seconds and milliseconds are compared as ratios to the reference entry of their own run.
    """
    sentences = []
    for name, row in new.items():
        for metric, spread in row.items():
            earlier = old.get(name, {}).get(metric)
            if earlier is None or not _is_comparable(metric):
                continue
            limit = max(earlier.greatest, earlier.median * (1 + TOLERANCE))
            if spread.median > limit and spread.least > earlier.median:
                sentences.append(f"worse: {workload}, {name}: {metric} {earlier.median:.4g} -> {spread.median:.4g}")
    return sentences


def _is_comparable(metric: str) -> bool:
    return metric not in _NO_GOAL and not metric.startswith("cpu_ms_") and not metric.endswith(_MACHINE_BOUND)
