"""The titles of the measured workloads name the sizes of the run."""

from benchmarks.compare.registry import WORKLOADS
from benchmarks.compare.workload import Setting


def test_a_title_names_the_sizes_of_the_run() -> None:
    title = WORKLOADS["lake"].title
    assert Setting([]).fill_title(title) == "5 years of 100 accounts in both stores"
    assert Setting([], years=1, accounts=1).fill_title(title) == "1 year of 1 account in both stores"
    title = WORKLOADS["year"].title
    assert Setting([]).fill_title(title) == "A year of seven accounts of all providers"
    assert Setting([], days=30).fill_title(title) == "30 days of seven accounts of all providers"


def test_no_title_has_a_place_that_stays_empty() -> None:
    assert not [name for name, workload in WORKLOADS.items() if "{" in Setting([]).fill_title(workload.title)]
