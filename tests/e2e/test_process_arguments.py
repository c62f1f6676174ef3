"""Planted secrets are in the arguments of no process that a command or Dagster starts, and in no event of Dagster's."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.config import build_environment
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import CHATMART, Installation
from tests.support.process_arguments import collect_arguments
from tests.support.secret_scan import find_secrets, read_files
from tests.support.wait_until import TIMEOUT_SECONDS, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
START_SECONDS = 240
"""Dagster starts four processes, each of which imports all of it."""
DAY = date(2025, 3, 1)
COGNIGY = tuple(
    replace(account, credential=f"planted-key-of-{account.name}")
    for account in SAMPLE_ACCOUNTS
    if account.provider == "cognigy"
)
PRIVACY_KEY, WEBHOOK = "planted-privacy-key-0123456789", "planted-webhook-path-98765"
SECRETS = [*(account.credential for account in COGNIGY), PRIVACY_KEY, WEBHOOK]
LAUNCH = """
mutation Launch($job: String!, $day: String!) {
  launchRun(executionParams: {
    selector: {
      repositoryLocationName: "pipelines.definitions", repositoryName: "__repository__", pipelineName: $job
    }
    mode: "default", runConfigData: "{}",
    executionMetadata: {tags: [{key: "dagster/partition", value: $day}]}
  }) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
STATUS = "query Status($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"


@contextmanager
def plant_secrets(folder: Path) -> Iterator[tuple[Installation, dict[str, str]]]:
    """Yield a product whose secrets are in `.env` alone, and the environment of its commands."""
    with Sandbox(World(accounts=COGNIGY)) as sandbox:
        product = Installation(folder, sandbox, COGNIGY)
        product.configure(
            defaults={"rate_limit": dict(product.rate_limit), "privacy": {"key": "${PLANTED_KEY}"}},
            alerts={"webhook": "${PLANTED_WEBHOOK}"},
        )
        secrets = {
            **build_environment(COGNIGY),
            "PLANTED_KEY": PRIVACY_KEY,
            "PLANTED_WEBHOOK": f"{sandbox.origin}/{WEBHOOK}",
        }
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
        (folder / ".env").chmod(0o600)
        environment = {name: value for name, value in os.environ.items() if name not in {*secrets, "DAGSTER_HOME"}}
        yield product, {**environment, "CHATMART_CONFIG": str(folder / "chatmart.yaml")}


def check_no_secret(product: Installation, arguments: set[str], output: str) -> None:
    (product.folder / ".env").unlink()
    texts = [("arguments", "\n".join(arguments).encode()), ("output", output.encode()), *read_files(product.folder)]
    assert find_secrets(SECRETS, texts) == []


@pytest.mark.e2e
def test_a_load_has_no_secret_in_its_arguments(tmp_path: Path) -> None:
    with plant_secrets(tmp_path) as (product, environment):
        refuse_once(product)
        command = [CHATMART, "backfill", "--from", str(DAY), "--to", str(DAY)]
        with (
            subprocess.Popen(
                command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            ) as process,
            collect_arguments(process.pid) as arguments,
        ):
            output = process.communicate()[0]
        assert any("backfill" in text for text in arguments)
        assert "[redacted]" in output
        check_no_secret(product, arguments, output)


@pytest.mark.e2e
@pytest.mark.long
def test_dagsters_processes_and_events_have_no_secret(tmp_path: Path) -> None:
    with plant_secrets(tmp_path) as (product, environment):
        output = tmp_path / "output.txt"
        port = find_free_port()
        command = [CHATMART, "dev", "--host", "127.0.0.1", "--port", str(port)]
        with (
            output.open("w") as file,
            subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=file, stderr=file) as dev,
        ):
            try:
                with collect_arguments(dev.pid) as arguments:
                    wait_until(lambda: "Serving dagster-webserver" in output.read_text(), START_SECONDS)
                    refuse_once(product)
                    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=120) as client:
                        run = ask(client, LAUNCH, job="load_cognigy", day=str(DAY))["launchRun"]["run"]["runId"]
                        wait_until(
                            lambda: ask(client, STATUS, run=run)["runOrError"]["status"] in ("SUCCESS", "FAILURE")
                        )
            finally:
                dev.terminate()
                dev.wait(TIMEOUT_SECONDS)
        assert len(product.sandbox.requests) >= len(COGNIGY)
        assert sum("dagster" in text or "multiprocessing" in text for text in arguments) > 3, arguments
        check_no_secret(product, arguments, output.read_text())
        events = [text for name, text in read_files(tmp_path / ".dagster") if "unpacked" in name]
        assert any(b"[redacted]" in text for text in events)


def refuse_once(product: Installation) -> None:
    """Let the provider repeat a credential in its next answer, so that an error quotes it."""
    message = {"detail": f"unknown key {COGNIGY[0].credential}"}
    product.sandbox.plan_faults(Fault(path=COGNIGY[0].ids["project_id"], status=401, body=json.dumps(message)))


def ask(client: httpx.Client, query: str, **variables: str) -> Any:
    return client.post("/graphql", json={"query": query, "variables": variables}).json()["data"]


def has_ended(client: httpx.Client, run: str) -> bool:
    return ask(client, STATUS, run=run)["runOrError"]["status"] in ("SUCCESS", "FAILURE")


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
