"""A transform that fails in a way that none of its rules foresees."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from transforms.chunk import Chunk
from transforms.facts import Facts
from transforms.registry import get_transform


def break_transform(monkeypatch: pytest.MonkeyPatch, day: date, error: Exception) -> None:
    """Let Cognigy's transform raise an error for every chunk with this local day."""
    rules = get_transform("cognigy")

    def run(chunk: Chunk[Any], facts: Facts) -> None:
        rules.run(chunk, facts)
        if day in chunk.days:
            raise error

    monkeypatch.setattr("transforms.registry.get_transform", lambda _name: replace(rules, run=run))
