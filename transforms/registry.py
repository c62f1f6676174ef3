"""How a provider's transform presents itself, and the one call that runs it. No provider's rule lives here."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from extractors.errors import ErrorLocation, ShapeError
from extractors.registry import PROVIDERS
from transforms.chunk import Chunk
from transforms.drift import Shape
from transforms.facts import Facts, TransformResult, ValueOutOfRange
from transforms.field_mapping import FieldMappings
from transforms.metrics import ADDITIVE, NOT_ADDITIVE, Metric
from warehouse.model.schema import fact_table
from warehouse.records import MeasureDefinition


@dataclass(frozen=True)
class Transform:
    """A provider's rules.

    ``run`` reads a chunk's answers into facts. ``metrics`` are those it tells in ``fact_metric_daily``. ``meanings``
    says, for measures of ``conversation_daily``, what this provider means by the word. ``known`` are the fields of each
    stream's answer, ``fields`` says where each of them lands.
    """

    run: Callable[[Chunk, Facts], None]
    metrics: tuple[Metric, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    known_shapes: Mapping[str, Shape] = field(default_factory=dict)
    fields: FieldMappings = field(default_factory=dict)


def get_transform(provider: str) -> Transform:
    """The transform of a provider in the list; KeyError for any other."""
    if provider not in PROVIDERS:
        raise KeyError(provider)
    found: Transform = importlib.import_module(f"transforms.{provider}.transform").TRANSFORM
    return found


def transform_chunk(chunk: Chunk) -> TransformResult:
    """The staged facts of a chunk. Raises ShapeError for an answer of a shape that is not accepted."""
    rules = get_transform(chunk.account.provider)
    facts = Facts(chunk.days, {metric.name: metric for metric in rules.metrics})
    rules.run(chunk, facts)
    try:
        return facts.build()
    except ValueOutOfRange as error:
        where = ErrorLocation(chunk.account.provider, chunk.account.name)
        raise ShapeError(where, error.column, "cannot hold what was told", error.value) from error


def measure_definitions() -> Iterator[MeasureDefinition]:
    """What every provider means by each of its measures and metrics, with unit and additivity."""
    columns = fact_table("conversation_daily").columns
    for provider in PROVIDERS:
        rules = get_transform(provider)
        for measure, meaning in rules.meanings.items():
            info = columns[measure].info
            additivity = ADDITIVE if info["additivity"] == ADDITIVE else NOT_ADDITIVE
            yield MeasureDefinition(provider, measure, meaning, info["unit"], additivity)
        for metric in rules.metrics:
            yield MeasureDefinition(provider, metric.name, metric.description, metric.unit, metric.additivity)
