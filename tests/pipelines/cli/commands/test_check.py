"""`chatmart check`: a line for each thing that was looked at, the same as JSON, and exit codes."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from sandbox.server import Sandbox
from tests.support.command import Said, chatmart
from tests.support.sample_world import BERLIN, NEW_YORK, Shop

Run = Callable[..., Said]


@pytest.fixture
def shop(tmp_path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return Shop(tmp_path, sandbox, (BERLIN, NEW_YORK))


@pytest.fixture
def run(shop: Shop, capsys: pytest.CaptureFixture[str]) -> Run:
    return lambda *arguments: chatmart(capsys, "--config", shop.configure(), "check", *arguments)


def test_a_line_each(run: Run, shop: Shop) -> None:
    said = run()
    assert (said.code, said.err) == (0, "")
    assert [line.split()[:2] for line in said.out.splitlines()] == [
        ["ok", "configuration"],
        ["ok", "credential"],
        ["ok", "credential"],
        ["ok", "landing"],
        ["ok", "warehouse"],
        ["ok", "dagster"],
    ]
    assert "\x1b" not in said.out
    assert sorted(path.name for path in shop.folder.iterdir()) == [".env", "chatmart.yaml"]


def test_one_failure_is_1_and_the_others_are_still_told(run: Run, shop: Shop) -> None:
    shop.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    said = run()
    assert (said.code, said.err) == (1, "")
    (failed,) = [line for line in said.out.splitlines() if line.startswith("failed")]
    assert failed.startswith("failed  credential     acme-berlin (cognigy): HTTP 401, the provider says: ")
    assert failed.endswith("; look at the variable SANDBOX_ACME_BERLIN_KEY")
    assert "fake-key-that-nobody-knows" not in said.out
    assert len(said.out.splitlines()) == 6


def test_as_json(run: Run, shop: Shop) -> None:
    shop.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    said = run("--json")
    assert (said.code, said.err) == (1, "")
    told = json.loads(said.out)
    assert told["ok"] is False
    assert [(each["check"], each["account"], each["ok"]) for each in told["checks"]] == [
        ("configuration", None, True),
        ("credential", "acme-berlin", False),
        ("credential", "acme-york", True),
        ("landing", None, True),
        ("warehouse", None, True),
        ("dagster", None, True),
    ]
    for each in told["checks"]:
        assert list(each) == ["check", "account", "provider", "ok", "said", "advice"]
        assert (each["advice"] is None) == each["ok"]
    assert json.loads(run("--json", "--account", "acme-york").out)["ok"] is True


def test_only_what_was_chosen_is_asked(run: Run, shop: Shop) -> None:
    assert "acme-berlin" not in run("--account", "acme-york").out
    assert [record.account for record in shop.asked()] == ["acme-york"]
    assert run("--provider", "cognigy").out.count("credential") == 2
    shop.asked()
    for wrong in (("--account", "nobody"), ("--provider", "inkeep"), ("--provider", "clippy")):
        said = run(*wrong)
        assert (said.code, said.out) == (2, "")
    assert shop.asked() == []


def test_a_wrong_configuration_is_2_with_a_line_for_each_problem(run: Run, shop: Shop) -> None:
    shop.overrides = {"acme-berlin": {"colour": "red"}, "acme-york": {"api_key": "${NOBODY_SET_THIS}"}}
    said = run("--json")
    assert (said.code, said.out) == (2, "")
    assert [line.split(": ")[1] for line in said.err.splitlines()] == ["account acme-berlin", "account acme-york"]
    assert shop.asked() == []


def test_requests_are_logged_with_verbose(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    said = chatmart(capsys, "--config", shop.configure(), "--verbose", "check")
    assert said.code == 0
    assert said.err.count("conversationcounter -> 200") == 2
    assert BERLIN.credential not in said.err + said.out
