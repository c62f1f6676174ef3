from tests.support.definitions import SNAPSHOT_PATH, render_definitions


def test_dagster_shows_what_the_snapshot_says() -> None:
    assert render_definitions() == SNAPSHOT_PATH.read_text(), "run `make snapshot` and read the difference"
