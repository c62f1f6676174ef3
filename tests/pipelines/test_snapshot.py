from tests.support.definitions import SNAPSHOT, text


def test_dagster_shows_what_the_snapshot_says() -> None:
    assert text() == SNAPSHOT.read_text(), "run `make snapshot` and read the difference"
