"""Failures of Dagster steps: one sentence, without secrets, and never retried."""

import dagster as dg
import pytest

from extractors.errors import ConfigError
from pipelines.orchestration.failures import as_dagster_failure, build_failure


def test_our_errors_become_failures_that_are_not_retried() -> None:
    with pytest.raises(dg.Failure, match="no such zone") as caught, as_dagster_failure():
        raise ConfigError(["no such zone"])
    assert not caught.value.allow_retries
    assert caught.value.__suppress_context__  # the trace is not redacted


def test_other_errors_are_left_as_they_are() -> None:
    with pytest.raises(KeyError), as_dagster_failure():
        raise KeyError("a mistake in the program")


def test_a_failure_names_five_accounts_and_quotes_the_first_error() -> None:
    failure = build_failure({f"bot-{number}": f"HTTP 40{number}" for number in range(1, 8)}, 9, "the others are loaded")
    assert failure.description == (
        "7 of 9 accounts failed (bot-1, bot-2, bot-3, bot-4, bot-5 and others); the others are loaded. HTTP 401"
    )
    assert not failure.allow_retries


ATTACK = "\x1b[2J\x1b]0;title\x07\u202e\ud83d " + "w" * 10**6


def test_no_text_of_a_provider_reaches_dagster_as_it_is() -> None:
    failure = build_failure({"acme": ATTACK}, 1, "no other account")
    texts = [failure.description, *(entry.value for entry in failure.metadata.values())]
    with pytest.raises(dg.Failure) as caught, as_dagster_failure():
        raise ConfigError([ATTACK[:100], "and one more"])
    texts += (caught.value.description or "").split("\n")
    for text in texts:
        assert str(text).isprintable()
        assert len(str(text)) < 3_000
