"""Responses that do not fit their request, of every stream of every provider: each is refused by name, none is loaded.

The responses are those of the sandbox, landed again with one change. A shape of one provider only is tested beside its
modules.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extractors.account import Account
from extractors.errors import ShapeError
from extractors.registry import PROVIDERS
from extractors.windows import Window
from sandbox.account import SandboxAccount
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.world import World
from tests.conformance.cases import get_cases
from tests.support.landed_chunks import ChunkBuilder
from tests.support.lineage import BodyEdit, Lineage
from tests.support.provider_account import build_provider_account
from tests.support.pull_account import pull_account
from tests.support.response_leaves import find_mapped_field
from tests.support.view_columns import collect_contents
from transforms.registry import get_transform

DAYS = Window(date(2025, 3, 11), date(2025, 3, 13))
EARLIER_DAYS = Window(date(2025, 2, 11), date(2025, 2, 13))
STREAMS = [(provider, stream) for provider in PROVIDERS for stream in get_cases(provider).streams]
JSON_STREAMS = [(provider, stream) for provider, stream in STREAMS if stream != "export"]
EMPTY_BODIES = (
    "{}",
    "[]",
    "null",
    '{"data": {}}',
    '{"data": []}',
    '{"data": null}',
    '{"items": []}',
    '{"channels": []}',
)


@dataclass
class PulledStreams:
    """One sandbox account of every provider; each stream is pulled once, for the days and for earlier ones."""

    sandbox: Sandbox
    accounts: dict[str, SandboxAccount]
    folder: Path
    pulled: dict[tuple[str, str], Account] = field(default_factory=dict)
    change_count: int = 0

    def pull(self, provider: str, stream: str) -> Account:
        """Return an account that has one stream, which is landed."""
        if (provider, stream) not in self.pulled:
            sandbox_account = self.accounts[provider]
            by_day = self.sandbox.world.conversations_by_day(sandbox_account.name, [*DAYS.days()])
            ids = [item.id for _, items in by_day for item in items]
            named = {"conversation_ids": ids[:3]} if get_cases(provider).variants[0].name_conversations else {}
            account = build_provider_account(self.sandbox, sandbox_account, streams=[stream], **named)
            for window in (DAYS, EARLIER_DAYS):
                assert pull_account(account, window, self.folder / provider / stream) == []
            self.pulled[provider, stream] = account
        return self.pulled[provider, stream]

    def transform_changed(self, provider: str, stream: str, edit: BodyEdit) -> Lineage:
        """Transform the days with changed bodies. Raises ShapeError."""
        account = self.pull(provider, stream)
        self.change_count += 1
        chunk = ChunkBuilder(self.folder / provider / stream).build_chunk(account, DAYS)
        return Lineage(chunk, self.folder / f"changed-{self.change_count}", edit)

    def list_earlier_bodies(self, provider: str, stream: str) -> list[bytes]:
        """Return the bodies for the earlier days, in the order in which the transform reads bodies."""
        account = self.pull(provider, stream)
        chunk = ChunkBuilder(self.folder / provider / stream).build_chunk(account, EARLIER_DAYS)
        return [response.body for response in chunk.responses(stream)]


@pytest.fixture(scope="module")
def pulled_streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulledStreams]:
    accounts = {
        provider: SandboxAccount(
            f"acme-{provider}", provider, "UTC", daily_conversations=8, **get_cases(provider).variants[0].traits
        )
        for provider in PROVIDERS
    }
    shapes = ResponseShapes(channels_envelope=True)  # an array has no top at which something can be added
    with Sandbox(World(7, [*accounts.values()]), shapes) as sandbox:
        yield PulledStreams(sandbox, accounts, tmp_path_factory.mktemp("pulled"))


def begins(provider: str, stream: str) -> str:
    """The beginning of an error's sentence."""
    return rf"^acme-{provider} \({provider}\.{stream}\): field "


def edit_objects(**changes: Any) -> BodyEdit:
    """Return an edit that sets keys at the top of each body that is an object."""

    def edit(_stream: str, body: bytes) -> bytes:
        value = json.loads(body)
        return json.dumps({**value, **changes}).encode() if isinstance(value, dict) else body

    return edit


@pytest.mark.parametrize("change", [{"has_more": True}, {"nextCursor": "x"}], ids=str)
@pytest.mark.parametrize(("provider", "stream"), JSON_STREAMS)
def test_a_response_that_announces_more_than_it_holds(
    pulled_streams: PulledStreams, provider: str, stream: str, change: dict[str, Any]
) -> None:
    with pytest.raises(ShapeError, match=begins(provider, stream)):
        pulled_streams.transform_changed(provider, stream, edit_objects(**change))


@pytest.mark.parametrize(("provider", "stream"), JSON_STREAMS)
def test_a_response_with_a_failure_beside_its_data(pulled_streams: PulledStreams, provider: str, stream: str) -> None:
    failure = {"errors": [{"message": "out of memory"}]}
    with pytest.raises(
        ShapeError, match=begins(provider, stream) + r"\$: is no data; the provider says: out of memory"
    ):
        pulled_streams.transform_changed(provider, stream, edit_objects(**failure))


@pytest.mark.parametrize("body", EMPTY_BODIES)
@pytest.mark.parametrize(("provider", "stream"), JSON_STREAMS)
def test_an_empty_response(pulled_streams: PulledStreams, provider: str, stream: str, body: str) -> None:
    is_loaded = any(mapping.columns for mapping in get_transform(provider).fields[stream].values())
    if not is_loaded or body in get_cases(provider).empty_bodies:
        return
    with pytest.raises(ShapeError, match=begins(provider, stream)):
        pulled_streams.transform_changed(provider, stream, lambda _stream, _body: body.encode())


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_a_response_for_other_days(pulled_streams: PulledStreams, provider: str, stream: str) -> None:
    if stream in get_cases(provider).undated_streams:
        return
    earlier = iter(pulled_streams.list_earlier_bodies(provider, stream))
    with pytest.raises(ShapeError, match=begins(provider, stream)):
        pulled_streams.transform_changed(provider, stream, lambda _stream, body: next(earlier, body))


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_a_negative_figure(pulled_streams: PulledStreams, provider: str, stream: str) -> None:
    lineage = pulled_streams.transform_changed(provider, stream, lambda _stream, body: body)
    mappings = get_transform(provider).fields[stream]
    cases = get_cases(provider)
    exempt = {*cases.names_of_digits, *cases.signed_figures}
    refused: set[str] = set()
    for spot in lineage.iterate_leaves():
        place = find_mapped_field(mappings, spot.leaf.field) or spot.leaf.field
        is_figure = isinstance(spot.leaf.value, int | float) or str(spot.leaf.value).isdecimal()
        if place in refused or not is_figure or spot.leaf.is_key or place in exempt:
            continue
        changed = lineage.transform_with(spot, -1)
        if changed is None:
            refused.add(place)
        else:  # of a day that was not requested, or landed only
            assert collect_contents(changed) == lineage.baseline_contents, f"{place}: -1 is loaded"
    has_figures = any(mapping.columns for place, mapping in mappings.items() if place not in exempt)
    assert refused or not has_figures
