"""Text of a provider that attacks its reader: on the terminal, in the log, in alerts, in ``status``, in the stores."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation
from tests.support.scripted_server import ScriptedServer, run_scripted_server
from tests.support.secret_scan import find_secrets, read_files

DAY = date(2025, 3, 11)
ACCOUNTS = {account.provider: account for account in SAMPLE_ACCOUNTS}
STORES = ("duckdb://data/warehouse.duckdb", "parquet://data/lake")
HALF = "\ud83d"
STEERING = "\x1b[2J\x1b]0;title\x07\x9b1m\u202ereversed\u2066 \x1b]8;;https://evil.test\x1b\\link"
MARKUP = "[red]red[/red] [link=https://evil.test]docs[/link] <!channel> <https://evil.test|docs> @here"
SHORT_ATTACK = f"{MARKUP} {STEERING} {HALF}"
ATTACK = f"{SHORT_ATTACK} {'w' * 1_000_000}"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with run_scripted_server() as server:
        monkeypatch.setenv("CHATMART_HOOK", f"{server.origin}/hook")
        yield server


@dataclass(frozen=True)
class Attack:
    """Bodies, by a part of the path, that carry an attack into the errors of a stream."""

    provider: str
    stream: str
    bodies: tuple[tuple[str, int, Any], ...]


ATTACKS = (
    Attack("cognigy", "conversation_counter", (("", 400, {"message": ATTACK}),)),
    Attack("chatdash", "analytics", (("", 200, {"errors": [{"message": ATTACK}]}),)),
    Attack("chatdash", "analytics", (("", 200, {"conversations": {"total": {ATTACK: ATTACK}}}),)),
    Attack("inkeep", "conversation_totals", (("", 200, {"status": ATTACK, "data": {}}),)),
    Attack("chatlayer", "conversations", (("", 404, {"code": 5, "message": ATTACK}),)),
    Attack(
        "chatcaptain",
        "export",
        (
            ("/statistics/export/", 200, {"status": f"failed {ATTACK}", "error": ATTACK}),
            ("/statistics/export", 202, {"exportId": SHORT_ATTACK}),
        ),
    ),
)


def assert_harmless(text: str) -> None:
    assert [char for char in text if not (char.isprintable() or char == "\n")] == []
    assert len(text) < 12_000


@pytest.mark.e2e
@pytest.mark.parametrize("number", range(len(ATTACKS)))
def test_no_text_of_a_provider_attacks_its_reader(
    sandbox: Sandbox, hook: ScriptedServer, tmp_path: Path, number: int
) -> None:
    attack, store = ATTACKS[number], STORES[number % len(STORES)]
    account = ACCOUNTS[attack.provider]
    product = Installation(tmp_path, sandbox, [account], {account.name: {"streams": [attack.stream]}}, store)
    product.configure(alerts={"webhook": "${CHATMART_HOOK}"})
    faults = [Fault(path, 10**6, status, json.dumps(body)) for path, status, body in attack.bodies]
    sandbox.plan_faults(*faults)
    printed = product.run("load", "--date", str(DAY), exit_code=1)
    assert "[red]red[/red] [link=https://evil.test]docs[/link]" in printed.err
    for text in (printed.err, product.run("status").out):
        assert_harmless(text)
    status = product.run("status", "--json").out
    [described] = json.loads(status)["accounts"]
    assert status.replace("\n", "").isprintable()
    for text in (described["last_error"], described["last_run"]["error"] or ""):
        assert_harmless(text)
    logged = product.run("--log-format", "json", "load", "--date", str(DAY), exit_code=1).err
    for line in logged.splitlines():
        assert_harmless(json.loads(line)["event"])
    for request in hook.requests:
        message = json.loads(request.body)
        assert_harmless(message["text"])
        assert_harmless(json.dumps(message, ensure_ascii=False))
        assert not any(part in message["text"] for part in ("<", ">", "@here"))
        assert "&lt;!channel&gt; &lt;https://evil.test|docs&gt; ＠here" in message["text"]
    assert len(hook.requests) == 1  # the second load failed as the first one did


@pytest.mark.e2e
def test_no_secret_that_a_channel_repeats_is_kept(tmp_path: Path) -> None:
    account = replace(ACCOUNTS["chatcaptain"], credential="k=1&2/3x")
    with Sandbox(World(5, [account])) as sandbox:
        repeat_secret(sandbox, account, tmp_path)


def repeat_secret(sandbox: Sandbox, account: SandboxAccount, tmp_path: Path) -> None:
    product = Installation(tmp_path, sandbox, [account], {account.name: {"streams": ["channels", "channel_report"]}})
    escaped = r"k\u003D1\u00262\/3x"
    fields = ", ".join(f'"{name}": "planted-of-a-channel"' for name in ("secret", "apiKey", "pass\\u0077ord"))
    channel = f'{{"id": "ch-web-1", "type": "web {escaped}", "{escaped}": 1, {fields}}}'
    sandbox.plan_faults(Fault("/statistics/channels", 1, 200, f"[{channel}]"))
    printed = [product.backfill(DAY, DAY), product.run("status"), product.run("status", "--json")]
    printed.append(product.run("sql", "SELECT * FROM drift", "--format", "json"))
    texts = [*read_files(tmp_path / "data"), *((result.out, (result.out + result.err).encode()) for result in printed)]
    assert find_secrets([account.credential, escaped, "planted-of-a-channel"], texts) == []
    assert b"web [redacted]" in b"".join(text for _, text in texts)


STORABLE = (
    Attack("chatdash", "analytics", (("", 200, {"topTopics": [{"id": 1, "label": f"cut {HALF}", "count": 1}]}),)),
    Attack("chatcaptain", "channel_report", (("/statistics/channels", 200, [{"id": HALF, "type": f"web{HALF}"}]),)),
    Attack("chatcaptain", "export", (("/statistics/export", 202, {"exportId": f"x{HALF}"}),)),
    Attack("chatlayer", "flow", (("/events/stream", 200, {"events": [{"conversation_id": f"c{HALF}"}]}),)),
    Attack("chatlayer", "events", (("/events/stream", 200, {"events": [], "next_page_token": HALF}),)),
    Attack(
        "inkeep",
        "conversations",
        (
            (
                "",
                200,
                {
                    "status": "ok",
                    "data": {
                        "result": [
                            {
                                "id": f"c{HALF}",
                                "firstMessageTime": "2025-03-11T10:00:00.000Z",
                                "userMessageCount": 2,
                                "type": f"a{HALF}",
                                "properties": {HALF: HALF},
                            }
                        ],
                        "total": 1,
                        "count": 1,
                        "pageSize": 100,
                    },
                },
            ),
        ),
    ),
)


@pytest.mark.e2e
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("number", range(len(STORABLE)))
def test_half_an_emoji_is_stored_or_refused_by_name(sandbox: Sandbox, tmp_path: Path, number: int, store: str) -> None:
    attack = STORABLE[number]
    account = ACCOUNTS[attack.provider]
    streams = ["events", "flow"] if attack.stream == "flow" else [attack.stream]
    product = Installation(tmp_path, sandbox, [account], {account.name: {"streams": streams}}, store)
    (path, status, body) = attack.bodies[0]
    sandbox.plan_faults(Fault(path, 1, status, json.dumps(body)))
    result = product.load([DAY])
    assert not any("the program failed" in error for outcome in result.outcomes for error in outcome.errors)
    product.run("status")
    product.run("status", "--json")
    sandbox.request_log.clear()
    product.backfill(DAY, DAY, "--refetch")
    assert product.query("SELECT count(*) AS n FROM load_ledger WHERE state = 'loaded'") == [{"n": 1}]
