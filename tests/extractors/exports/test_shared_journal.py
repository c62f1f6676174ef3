"""The journal of export jobs in an object store that several machines share."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from extractors.exports.journal import ExportRequest, Journal, JournalEntry
from tests.support.landing_bucket import LandingBucket
from tests.support.sample_batches import AT
from tests.support.shared_zones import ACCOUNT, PREFIX


@pytest.fixture
def bucket() -> LandingBucket:
    return LandingBucket()


def test_of_many_machines_that_intend_an_export_one_may_request_it(bucket: LandingBucket, tmp_path: Path) -> None:
    zones = [bucket.open_zone(tmp_path / str(number)) for number in range(4)]
    request = ExportRequest("bot", "2025-03-01", "2025-04-01")
    for race in range(20):
        name = f".export-journal-{race}.json"
        journals = [Journal(zone.account_folder(*ACCOUNT) / name) for zone in zones]
        states = [journal.read() for journal in journals]
        with ThreadPoolExecutor(4) as pool:
            entries = [JournalEntry(request, AT)] * 4
            intended = list(pool.map(Journal.intend, journals, entries, states))
        assert sorted(intended) == [False, False, False, True]
        winner = journals[intended.index(True)]
        winner.write_entry(JournalEntry(request, AT, "job"))
        assert all(journal.read().entries == (JournalEntry(request, AT, "job"),) for journal in journals)
        winner.remove_entry(request)
        assert journals[0].read().entries == ()


def test_a_damaged_journal_in_a_store_is_set_aside(bucket: LandingBucket, tmp_path: Path) -> None:
    zone = bucket.open_zone(tmp_path)
    journal = Journal(zone.account_folder(*ACCOUNT) / ".journal.json")
    bucket.write(f"{PREFIX}.journal.json", b"[{")
    assert journal.read().entries == ()
    assert bucket.read_all() == {f"{PREFIX}.journal.json.damaged": b"[{"}
