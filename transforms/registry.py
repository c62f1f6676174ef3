"""The declaration of a provider's transform, its look-up by name, and the call that runs it.

What must not come in: a rule of one provider.

>>> get_transform("cognigy").fields["call_counter"]["items[].processedCalls"].columns
('metric_daily.value (calls)',)
>>> definitions = list(measure_definitions())
>>> next(item.unit for item in definitions if (item.provider, item.measure) == ("cognigy", "knowledge_queries"))
'queries'

A load calls ``transform_chunk(Chunk(account, days, claims, scratch_folder))`` and hands the result to the store.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic

from extractors.errors import ErrorLocation, NotUnderstood, ShapeError
from extractors.registry import PROVIDERS
from transforms.chunk import A, Chunk
from transforms.drift import Shape
from transforms.erasure import PersonalData
from transforms.facts import Facts, TransformResult, ValueOutOfRange
from transforms.field_mapping import FieldMappings, derive_shapes
from transforms.machine_errors import is_machine_error
from transforms.metrics import ADDITIVE, NOT_ADDITIVE, Metric
from warehouse.model.schema import fact_table
from warehouse.records import MeasureDefinition

__all__ = ["Transform", "get_transform", "measure_definitions", "transform_chunk"]


@dataclass(frozen=True)
class Transform(Generic[A]):
    """A provider's rules.

    ``run`` reads the responses of a chunk into facts. ``metrics`` are those that the provider fills in
    ``fact_metric_daily``. ``meanings`` defines, for measures of ``conversation_daily``, what the provider counts.
    ``fields`` lists every field of every stream and where it lands. ``personal`` says where a stream holds personal
    data; a stream that is not in it holds none.
    """

    run: Callable[[Chunk[A], Facts], None]
    metrics: tuple[Metric, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    fields: FieldMappings = field(default_factory=dict)
    personal: Mapping[str, PersonalData] = field(default_factory=dict)

    @cached_property
    def known_shapes(self) -> Mapping[str, Shape]:
        """The known shape of each stream's bodies, derived from ``fields``."""
        return derive_shapes(self.fields)


def get_transform(provider: str) -> Transform[Any]:
    """Return the transform of a provider. Raises KeyError for a name that is not in ``PROVIDERS``.

    >>> "conversations" in get_transform("inkeep").meanings
    True
    """
    if provider not in PROVIDERS:
        raise KeyError(provider)
    transform: Transform[Any] = importlib.import_module(f"transforms.{provider}.transform").TRANSFORM
    return transform


def transform_chunk(chunk: Chunk[A]) -> TransformResult:
    """Return the staged facts of a chunk.

    Raises ShapeError for a response whose shape is not accepted, and for a value that its column cannot hold; its
    NotUnderstood for any other failure to read the responses. That of the machine is raised as it is (OSError,
    MemoryError, and the engine's for a full disk or memory).
    """
    rules: Transform[A] = get_transform(chunk.account.provider)
    facts = Facts(chunk.days, {metric.name: metric for metric in rules.metrics})
    try:
        rules.run(chunk, facts)
        return facts.build()
    except ValueOutOfRange as error:
        streams = " or ".join(_list_filling_streams(rules, chunk, error))
        where = ErrorLocation(chunk.account.provider, chunk.account.name, streams)
        raise ShapeError(where, error.column, "cannot hold the reported value", error.value, is_landed=True) from error
    except (ShapeError, OSError):
        raise
    except Exception as error:
        if is_machine_error(error):
            raise
        where = ErrorLocation(chunk.account.provider, chunk.account.name)
        raise NotUnderstood(where, error) from error


def _list_filling_streams(rules: Transform[A], chunk: Chunk[A], error: ValueOutOfRange) -> list[str]:
    """Return those streams of the chunk that fill the column of a value; all of them where none declares it."""
    columns = {error.column, f"{error.column} ({error.metric})"}
    own_view = f"{(error.metric or '').removesuffix('s')}_daily."  # of a metric with a view of its own
    filling = [
        stream
        for stream, mappings in rules.fields.items()
        for mapping in mappings.values()
        if any(column in columns or column.startswith(own_view) for column in mapping.columns)
    ]
    return [stream for stream in dict.fromkeys(filling) if chunk.claims.get(stream)] or sorted(chunk.claims)


def measure_definitions() -> Iterator[MeasureDefinition]:
    """Yield what each provider means by each of its measures and metrics, with unit and additivity."""
    columns = fact_table("conversation_daily").columns
    for provider in PROVIDERS:
        rules = get_transform(provider)
        for measure, meaning in rules.meanings.items():
            info = columns[measure].info
            additivity = ADDITIVE if info["additivity"] == ADDITIVE else NOT_ADDITIVE
            yield MeasureDefinition(provider, measure, meaning, info["unit"], additivity)
        for metric in rules.metrics:
            yield MeasureDefinition(provider, metric.name, metric.description, metric.unit, metric.additivity)
