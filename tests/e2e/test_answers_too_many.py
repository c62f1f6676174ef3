"""The real command against a gateway that sends one answer too many: every request keeps its own numbers."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.support.command import run_as_if_alone
from tests.support.raw_server import RawRequest, encode_response, run_raw_server

CONVERSATIONS = {("first", "2"): 3, ("first", "3"): 4, ("second", "2"): 5, ("second", "3"): 6}
"""By account and month, on each day."""


def send_one_too_many(request: RawRequest) -> bool:
    """Answer a month, and behind it once more, without conversations."""
    path = request.path
    [account], [month] = re.findall(r"/projects/([a-z]+)0", path), re.findall(r"month=(\d+)", path)
    request.connection.sendall(encode_month(CONVERSATIONS[account, month], month) + encode_month(0, month))
    return True


def encode_month(conversations: int, month: str) -> bytes:
    items = [{"year": 2025, "month": int(month), "day": day, "conversations": conversations} for day in (1, 28)]
    return encode_response(json.dumps({"items": items}).encode())


@pytest.mark.e2e
def test_every_month_of_every_account_is_loaded_from_its_own_answer(tmp_path: Path) -> None:
    with run_raw_server() as server:
        server.respond = send_one_too_many
        common = {"provider": "cognigy", "base_url": server.origin, "api_key": "${KEY}"}
        accounts = [{"name": name, "project_id": name.ljust(24, "0"), **common} for name in ("first", "second")]
        (tmp_path / "chatmart.yaml").write_text(yaml.safe_dump({"accounts": accounts}))
        environment = {"KEY": "fake-key-of-these-tests", "CHATMART_CONFIG": str(tmp_path / "chatmart.yaml")}
        days = ("--from", "2025-02-28", "--to", "2025-03-01")
        done = run_as_if_alone(("backfill", *days), environment, tmp_path)
        assert done.exit_code == 0, done.err
        query = "SELECT account, month(date) AS month, conversations FROM conversation_daily"
        rows = json.loads(run_as_if_alone(("sql", query, "--format", "json"), environment, tmp_path).out)
    assert {(row["account"], str(row["month"])): row["conversations"] for row in rows} == CONVERSATIONS
