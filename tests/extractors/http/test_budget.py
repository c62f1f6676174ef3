"""The budget of an account in one run: counted exactly, checked before sending only, and named when it is used up."""

import asyncio

import pytest

from extractors.account import Budget
from extractors.errors import BudgetUsedUp, RequestRefused
from extractors.http.client import Client
from extractors.http.session import Session
from tests.support.clock import FakeClock
from tests.support.http_session import (
    LIMITS,
    build_account,
    download_thing,
    get_many,
    get_thing,
    run_session,
)
from tests.support.scripted_server import ScriptedServer, raw_response

ADVICE = (
    "no more is sent for it in this run, and what is landed stays; if that is no more than you expect, set a higher "
    "budget.{} for acme and run the same command again"
)


def test_no_more_requests_are_sent_than_the_budget_allows(server: ScriptedServer, clock: FakeClock) -> None:
    answers, _ = run_session(server.origin, clock, lambda s: get_many(s, 40), budget={"requests": 25})
    assert len(server.requests) == 25
    errors = [answer for answer in answers if isinstance(answer, BudgetUsedUp)]
    assert len(errors) == 15
    used = "the account's budget of one run is used up: 25 requests were sent (budget.requests: 25)"
    assert {str(error) for error in errors} == {f"acme (cognigy.stream): {used}; {ADVICE.format('requests')}"}


def test_repeats_are_counted_and_end_with_the_budget(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"", 503))
    with pytest.raises(BudgetUsedUp, match="2 requests were sent"):
        run_session(server.origin, clock, get_thing, budget={"requests": 2})
    assert len(server.requests) == 2


def test_the_answer_that_uses_up_the_megabytes_is_read_to_its_end(server: ScriptedServer, clock: FakeClock) -> None:
    body = b'"' + b"x" * 3_000_000 + b'"'
    server.script(raw_response(body))

    async def request_three(session: Session) -> list[object]:
        results: list[object] = [await get_thing(session)]
        for get in (get_thing(session), download_thing(session, f"{server.origin}/file")):
            with pytest.raises(BudgetUsedUp) as caught:
                await get
            results.append(str(caught.value))
        return results

    (answer, *sentences), _ = run_session(server.origin, clock, request_three, budget={"megabytes": 2})
    assert answer.body == body
    assert len(server.requests) == 1
    for stream, sentence in zip(("stream", "export"), sentences, strict=True):
        assert sentence == (
            f"acme (cognigy.{stream}): the account's budget of one run is used up: 3.0 MB have come "
            f"(budget.megabytes: 2); {ADVICE.format('megabytes')}"
        )


def test_accounts_and_runs_have_budgets_of_their_own(server: ScriptedServer, clock: FakeClock) -> None:
    async def run() -> None:
        async with Client(clock=clock) as client:
            for name in ("first", "second"):
                session = client.open_session(build_account(server.origin, name, budget={"requests": 1}), LIMITS)
                await get_thing(session)
                with pytest.raises(BudgetUsedUp, match=f"higher budget.requests for {name}"):
                    await get_thing(session)

    for _ in range(2):
        asyncio.run(run())
    assert len(server.requests) == 4


def test_a_used_budget_does_not_hide_a_refusal(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b'{"message": "no such project"}', 404))
    with pytest.raises(RequestRefused, match="no such project"):
        run_session(server.origin, clock, get_thing, budget={"requests": 1})


def test_the_defaults_let_ten_years_and_the_largest_file_pass() -> None:
    assert Budget().requests >= 10 * 366 * 100
    assert Budget().megabytes * 10**6 >= 16 * 2**30
