"""Planted secrets: after failures of every kind that could reveal one, no file and no output holds any."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pipelines.loads import load
from pipelines.orchestration.instance.home import SETTINGS_PATH
from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation
from tests.support.secret_scan import find_secrets, read_files

REPOSITORY = Path(__file__).parents[2]
FIRST = date(2025, 3, 1)
PRIVACY_KEY = "planted-privacy/key+7f3=="
CHANNEL_TOKEN = "fake-channel-secret-"
SIGNATURE, SECOND_SIGNATURE = "planted-signature/3c1f+a==", "planted-second-signature-77"


def plant_credential(account: SandboxAccount, name: str = "") -> SandboxAccount:
    key = f"planted-{name or account.name}/key+\"9'&=%41=="
    credential = f"planted-id/{account.name}:{key}" if account.provider == "chatlayer" else key
    return replace(account, name=name or account.name, credential=credential)


BY_NAME = {account.name: plant_credential(account) for account in SAMPLE_ACCOUNTS}
IN_HEADER, DASH, LAYER = (BY_NAME[name] for name in ("acme-support", "acme-sales", "acme-bot"))
VOICE, INKEEP = BY_NAME["acme-voice"], BY_NAME["acme-docs"]
IN_URL = replace(BY_NAME["globex-support"], name="acme-url")
ACCOUNTS = (IN_HEADER, DASH, LAYER, VOICE, INKEEP, IN_URL)


def read_key(account: SandboxAccount) -> str:
    return account.credential.rpartition(":")[2]


def repeat_credential(account: SandboxAccount) -> str:
    """Return the message of a provider that repeats the credential."""
    return f"unknown key {read_key(account)} in ?api_key={quote(read_key(account), safe='')}"


def respond_with(path: str, body: Any, status: int = 200, **more: Any) -> Fault:
    # some servers escape slashes in JSON
    return Fault(path=path, status=status, body=json.dumps(body).replace("/", "\\/"), **more)


@dataclass
class Plant:
    """A folder, a sandbox whose accounts have planted credentials, and all printed output."""

    product: Installation
    printed: list[tuple[str, bytes]] = field(default_factory=list)
    day: date = FIRST

    @property
    def secrets(self) -> list[str]:
        signatures = [signature for job in self.product.sandbox.jobs for signature in job.links]
        pairs = [part for account in ACCOUNTS for part in (account.credential, *account.credential.split(":"))]
        return [*pairs, PRIVACY_KEY, CHANNEL_TOKEN, SIGNATURE, SECOND_SIGNATURE, *signatures]

    def run(self, *faults: Fault, process: bool = False) -> str:
        """Load one more day with these faults, each of which must occur; returns the standard error.

        `process` runs the command in a process of its own.
        """
        self.day += timedelta(days=1)
        sandbox = self.product.sandbox
        sandbox.plan_faults(*faults)
        arguments = ("--verbose", "backfill", "--from", str(self.day), "--to", str(self.day))
        run = self.product.run_process if process else self.product.run
        done = run(*arguments, exit_code=1 if faults else 0)
        assert sandbox.request_log.faults == []
        self.printed += [
            (f"stdout of {self.day}", done.out.encode()),
            (f"stderr of {self.day}", done.err.encode()),
        ]
        return done.err

    def check_no_secret(self) -> None:
        assert find_secrets(self.secrets, [*self.printed, *read_files(self.product.folder)]) == []


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with Sandbox(World(accounts=ACCOUNTS)) as sandbox, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLANTED_PRIVACY_KEY", PRIVACY_KEY)
        product = Installation(tmp_path_factory.mktemp("planted"), sandbox, ACCOUNTS, {IN_URL.name: {"auth": "query"}})
        limits = {"requests": 100_000, "period_seconds": 1}
        product.configure(defaults={"rate_limit": limits, "privacy": {"key": "${PLANTED_PRIVACY_KEY}"}})
        plant = Plant(product)
        plant.run()
        yield plant


@pytest.mark.e2e
def test_the_search_reads_what_is_packed(plant: Plant) -> None:
    texts = list(read_files(plant.product.folder))
    names = {
        name for line in find_secrets(["perChannel", "conversationId"], texts) for name in [line.rpartition(" in ")[2]]
    }
    assert any("provider=cognigy" in name and name.endswith(".jsonl.zst, unpacked") for name in names)
    assert any("provider=chatcaptain" in name and "bodies/" in name and name.endswith("unpacked") for name in names)
    assert find_secrets(["globex"], [("text", b"a%20Z2xvYmV4")]) != []
    kept = [name for name, text in texts if b"acme-url" in text and name.startswith("data/warehouse.duckdb")]
    assert "data/warehouse.duckdb, unpacked" in kept


@pytest.mark.e2e
def test_a_good_run(plant: Plant) -> None:
    plant.check_no_secret()


@pytest.mark.e2e
def test_refusals_that_repeat_the_credential(plant: Plant) -> None:
    stderr = plant.run(
        respond_with(IN_HEADER.ids["project_id"], {"detail": repeat_credential(IN_HEADER)}, 401),
        respond_with(IN_URL.ids["project_id"], {"detail": repeat_credential(IN_URL)}, 404),
        respond_with("/chatdash/", {"message": repeat_credential(DASH)}, 403),
        respond_with("/chatlayer/", {"code": 16, "message": repeat_credential(LAYER)}, 401),
        respond_with("/reports/overview", {"error": {"message": repeat_credential(VOICE)}}),
        respond_with("/inkeep/", {"title": "x", "detail": repeat_credential(INKEEP)}, 422),
        process=True,
    )
    assert stderr.count("unknown key [redacted] in ?api_key=[redacted]") >= len(ACCOUNTS)
    plant.check_no_secret()


@pytest.mark.e2e
def test_answers_of_a_wrong_shape_that_hold_the_credential(plant: Plant) -> None:
    filler = "x" * 60  # the value is shown only in part: no part of a secret may be what is left
    month = {"day": plant.day.day + 1, "month": 3, "year": 2025}
    stderr = plant.run(
        respond_with(
            IN_HEADER.ids["project_id"], {"items": [{**month, "conversations": filler + read_key(IN_HEADER)}]}
        ),
        respond_with(IN_URL.ids["project_id"], {"items": filler + read_key(IN_URL)}),
        respond_with("/chatdash/", {"conversations": {"total": filler + read_key(DASH)}}),
        respond_with("/b1/conversations?", {"data": {"series": filler + read_key(LAYER)}}),
        respond_with("/export/", {"status": 3, "downloadUrl": f"https://h.test/f?s={quote(SIGNATURE, safe='')}"}),
        respond_with("/inkeep/", {"status": filler + read_key(INKEEP)}),
    )
    assert stderr.count("saw ") >= len(ACCOUNTS)
    assert "planted-" not in stderr
    plant.check_no_secret()


@pytest.mark.e2e
def test_redirects_and_lost_connections(plant: Plant) -> None:
    away = f"http://files.example.test/?api_key={quote(read_key(IN_URL), safe='')}"
    stderr = plant.run(
        Fault(path=IN_HEADER.ids["project_id"], kind="reset"),
        Fault(path=IN_URL.ids["project_id"], status=302, headers={"Location": away}),
        Fault(path="/exports/", status=302, headers={"Location": f"http://files.example.test/?s={SECOND_SIGNATURE}"}),
        respond_with("/statistics/channels", [{"id": {}, "type": read_key(VOICE), "token": CHANNEL_TOKEN}]),
    )
    assert stderr.count("files.example.test") >= 2
    plant.check_no_secret()


@pytest.mark.e2e
def test_a_signed_link_that_is_repeated(plant: Plant) -> None:
    link = f"{plant.product.sandbox.download_origin}/exports/x.csv?expires=3600&sig={quote(SIGNATURE, safe='')}"
    stderr = plant.run(
        respond_with("/export/", {"status": "completed", "downloadUrl": link}),
        respond_with("/exports/", {"error": f"the signature {SIGNATURE} does not fit"}, 400, times=4),
    )
    assert "the signature [redacted] does not fit" in stderr
    plant.check_no_secret()


@pytest.mark.e2e
def test_a_defect_that_quotes_the_credential(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def raise_error(*_arguments: object) -> None:
        raise RuntimeError(f"no row for {read_key(IN_HEADER)}")

    monkeypatch.setattr(load, "stage_chunk", raise_error)
    plant.day += timedelta(days=1)
    result = plant.product.load([plant.day])
    (plant.product.folder / ".env").unlink()  # the load has read the credentials from it
    errors = [error for outcome in result.outcomes for error in outcome.errors]
    assert all("no row for [redacted]" in error for error in errors)
    plant.printed += [("errors", repr(errors).encode()), ("log", caplog.text.encode())]
    assert "Traceback" in caplog.text
    plant.check_no_secret()


@pytest.mark.e2e
@pytest.mark.long
def test_a_run_of_dagster(plant: Plant) -> None:
    home = plant.product.folder / "home"
    home.mkdir()
    shutil.copyfile(SETTINGS_PATH, home / "dagster.yaml")
    sandbox = plant.product.sandbox
    sandbox.plan_faults(
        respond_with(IN_HEADER.ids["project_id"], {"detail": repeat_credential(IN_HEADER)}, 401),
        respond_with(IN_URL.ids["project_id"], {"items": read_key(IN_URL)}),
    )
    tool = Path(sys.executable).with_name("dagster")
    what = ("--select", "key:cognigy/landing or key:cognigy/slices", "--partition", str(plant.day + timedelta(days=1)))
    done = subprocess.run(
        [tool, "asset", "materialize", "--module-name", "pipelines.definitions", *what],
        cwd=REPOSITORY,
        env={**plant.product.environment, "DAGSTER_HOME": str(home)},
        capture_output=True,
        check=False,
    )
    assert sandbox.request_log.faults == []
    assert b"[redacted]" in done.stdout + done.stderr
    assert done.returncode != 0
    plant.printed += [("stdout of dagster", done.stdout), ("stderr of dagster", done.stderr)]
    assert any(name.endswith("db, unpacked") for name, _ in read_files(home))
    plant.check_no_secret()


@pytest.mark.e2e
def test_the_landing_zone_is_its_owners_alone(plant: Plant) -> None:
    landing = plant.product.folder / "data/landing"
    open_to_others = [path for path in (landing, *landing.rglob("*")) if path.stat().st_mode & 0o077]
    assert open_to_others == []
