"""The commands about a person: their texts, their exit codes, and what they refuse."""

import io
from collections.abc import Callable

import pytest

from tests.support.command import CommandResult
from tests.support.sample_world import BERLIN, SampleWorld

Run = Callable[..., CommandResult]


def test_nobody_is_held_where_nothing_was_loaded(run_command: Run, sample_world: SampleWorld) -> None:
    result = run_command("show", "--user", "person-77")
    assert (result.exit_code, result.out) == (0, "")
    assert "nothing is held of this person in acme-berlin, acme-york" in result.err
    assert run_command("show", "--user", "person-77", "--json").out == '{"held": []}\n'
    assert not (sample_world.folder / "data/landing").exists()


def test_somebody_who_is_not_held_is_kept_out_from_then_on(
    run_command: Run, sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("person-77\n"))
    result = run_command("forget", "--account", BERLIN.name, "--user", "-")
    assert (result.exit_code, result.out) == (0, "")
    assert "0 records in 0 landed responses of 0 batches, 0 rows of the warehouse" in result.err
    assert "person-77" not in result.err
    [row] = sample_world.read_view("forgotten")
    assert (row["account"], row["batches"], row["records"], row["rows"]) == (BERLIN.name, [], 0, 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("forget", "--user", "x"), "Missing option '--account'"),
        (("forget", "--account", BERLIN.name), "Missing option '--user'"),
        (("forget", "--account", BERLIN.name, "--user", " "), "the user's id is empty"),
        (("forget", "--account", "other", "--user", "x"), "there is no account 'other'"),
        (("show", "--account", "other", "--user", "x"), "there is no account 'other'"),
    ],
)
def test_wrong_use_is_refused_with_a_sentence(run_command: Run, arguments: tuple[str, ...], sentence: str) -> None:
    result = run_command(*arguments)
    assert result.exit_code == 2
    assert sentence in result.err


def test_a_damaged_response_is_named(run_command: Run, sample_world: SampleWorld) -> None:
    run_command("backfill", "--from", "2025-03-01", "--to", "2025-03-02")
    folder = sample_world.folder / f"data/landing/provider=cognigy/account={BERLIN.name}"
    (folder / "forgotten.json").write_text("{")
    result = run_command("forget", "--account", BERLIN.name, "--user", "person-77")
    assert result.exit_code == 1
    assert "forgotten.json" in result.err
    assert "remove it and forget them again" in result.err
    result = run_command("backfill", "--from", "2025-03-01", "--to", "2025-03-02", "--refetch")
    assert result.exit_code == 1
    assert "without it people who were forgotten would come back" in result.err
