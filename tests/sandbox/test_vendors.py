"""The list of vendors: complete declarations, no import past the list, and a sixth vendor from one declaration."""

import ast
import sys
from collections import Counter
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from starlette.routing import Route

import sandbox
from sandbox import vendors
from sandbox.account import SandboxAccount
from sandbox.common_shapes import CommonShapes
from sandbox.config import build_config, build_environment
from sandbox.http import make_endpoint, make_json_response
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.truth import VIEWS, compute_truth
from sandbox.vendor import Vendor
from sandbox.vendors import VENDOR_NAMES, get_vendor, list_vendors
from sandbox.world import World

ROOT = Path(sandbox.__file__).parent
DAY = date(2025, 3, 4)


def list_imported_modules(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_list_names_every_package_of_a_vendor():
    assert {file.parent.name for file in ROOT.glob("*/__init__.py")} == {*VENDOR_NAMES, "demo"}
    assert [vendor.name for vendor in list_vendors()] == list(VENDOR_NAMES)
    with pytest.raises(KeyError):
        get_vendor("server")


def test_a_vendor_is_imported_only_through_the_list():
    for file in ROOT.rglob("*.py"):
        own_package = file.parent.name if file.parent != ROOT else None
        imported = {name.split(".")[1] for name in list_imported_modules(file) if name.startswith("sandbox.")}
        assert imported & set(VENDOR_NAMES) <= {own_package}, file


def test_shapes_of_all_vendors_are_in_one_object_and_none_hides_another():
    common = {field.name for field in fields(CommonShapes)}
    own = [field.name for vendor in list_vendors() for field in fields(vendor.shapes) if field.name not in common]
    assert [name for name, count in Counter(own).items() if count > 1] == []
    assert [field.name for field in fields(ResponseShapes)] == [field.name for field in fields(CommonShapes)] + own
    assert all(isinstance(ResponseShapes(), vendor.shapes) for vendor in list_vendors())


@pytest.mark.parametrize("name", VENDOR_NAMES)
def test_a_declaration_fits_the_other_modules(name):
    vendor = get_vendor(name)
    assert set(vendor.truth) <= set(VIEWS)
    assert vendor.sample_accounts
    assert vendor.root.startswith(f"/{name}"), "the request log reads the provider from the path"
    ids = vendor.default_ids("some-name")
    assert vendor.external_id_key is None or ids[vendor.external_id_key]


async def serve_count(context, request):
    account = context.find_account("sixth", request.headers.get("x-key"))
    return make_json_response({"count": len(context.world.conversations_on(account.name, DAY))})


def populate_conversation(rng, _account, item):
    item.channel = rng.choice(("webchat", "voice"))


def compute_conversation_daily(query):
    yield {"conversations": len(query.conversations)}


@pytest.fixture
def sixth_vendor(monkeypatch):
    """A vendor that exists only in this test: a package with a declaration, and its name in the list."""
    package = ModuleType("sandbox.sixth")
    package.VENDOR = Vendor(
        name="sixth",
        root="/sixth/v1",
        routes=lambda context: [Route("/count", make_endpoint(context, serve_count))],
        shapes=CommonShapes,
        populate=populate_conversation,
        truth={"conversation_daily": compute_conversation_daily},
        default_streams=("counts",),
        default_ids=lambda name: {"bot_id": f"bot-{name}"},
        external_id_key="bot_id",
    )
    monkeypatch.setitem(sys.modules, "sandbox.sixth", package)
    monkeypatch.setattr(vendors, "VENDOR_NAMES", (*VENDOR_NAMES, "sixth"))
    yield package.VENDOR
    get_vendor.cache_clear()


@pytest.mark.usefixtures("sixth_vendor")
def test_a_sixth_vendor_is_one_declaration_and_one_name():
    account = SandboxAccount("acme-sixth", "sixth", "Europe/Berlin")
    world = World(3, [account], clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    with Sandbox(world) as running, httpx.Client(verify=False) as client:
        headers = {"x-key": account.credential}
        response = client.get(f"{running.base_url('sixth')}/count", headers=headers)
        (entry,) = build_config(running, [account])["accounts"]
        assert running.request_log.count("sixth") == 1
    (row,) = compute_truth(world, "acme-sixth", "conversation_daily", [DAY])
    assert response.json() == {"count": row["conversations"]}
    assert row["messages"] is None
    assert compute_truth(world, "acme-sixth", "intent_daily", [DAY]) == []
    assert (entry["bot_id"], entry["api_key"]) == ("bot-acme-sixth", "${SANDBOX_ACME_SIXTH_KEY}")
    assert build_environment([account]) == {"SANDBOX_ACME_SIXTH_KEY": "fake-key-acme-sixth-not-real"}
