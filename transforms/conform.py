"""Conformed members: channels, languages and countries of all providers under one name.

A channel code keeps the provider's spelling; the attributes beside it are conformed. The channel map is
``channels.yaml``, its decision log docs/mapping.md; countries are ISO 3166-1, languages BCP 47. What must not come in:
a provider, a response.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pyarrow as pa
import pycountry
import yaml

from transforms.metrics import Metric
from warehouse.model.columns import UNKNOWN
from warehouse.model.schema import member_schema

OTHER_CHANNEL = "other"


@dataclass(frozen=True)
class ConformedChannel:
    """A conformed channel. ``is_test`` marks traffic of the people who build the bot."""

    channel: str
    channel_group: str
    is_test: bool


@cache
def _channels() -> Mapping[str, ConformedChannel]:
    channels = yaml.safe_load(files("transforms").joinpath("channels.yaml").read_text("utf-8"))
    return {
        code.casefold(): ConformedChannel(name, channel["group"], channel.get("is_test", False))
        for name, channel in channels.items()
        for code in channel["codes"]
    }


def find_channel(code: str) -> ConformedChannel:
    """Return the conformed channel of a provider's code, in any letter case; ``other`` for a code not in the map."""
    return _channels().get(code.casefold(), ConformedChannel(OTHER_CHANNEL, UNKNOWN, is_test=False))


def normalize_language_code(raw_code: str | None) -> str:
    """Return a BCP 47 tag in canonical case, ``unknown`` for None and the empty text.

    >>> [normalize_language_code(code) for code in ("DE", "pt_br", "zh-hant-tw", None)]
    ['de', 'pt-BR', 'zh-Hant-TW', 'unknown']
    """
    if not raw_code:
        return UNKNOWN
    parts = raw_code.replace("_", "-").lower().split("-")
    # the first subtag and everything from a singleton on (extensions, private use) is lower case: RFC 5646, 2.1.1
    singleton = next((index for index, part in enumerate(parts) if len(part) == 1), len(parts))
    return "-".join(part if index == 0 or index >= singleton else _set_case(part) for index, part in enumerate(parts))


def _set_case(text: str) -> str:
    if len(text) == 4 and text.isalpha():
        return text.title()
    return text.upper() if len(text) == 2 else text


def base_language(code: str) -> str:
    """Return the lower-case base of a tag: ``pt-BR`` → ``pt``."""
    return code.split("-")[0].lower()


def normalize_country_code(raw_code: str | None) -> str:
    """Return an ISO 3166-1 alpha-2 code in upper case, ``unknown`` for None and the empty text; ``NA`` is Namibia."""
    return raw_code.upper() if raw_code else UNKNOWN


def country_name(code: str) -> str:
    """Return the English name of a country code, ``unknown`` for a code that ISO 3166-1 lacks."""
    country = pycountry.countries.get(alpha_2=code)
    return str(country.name) if country else UNKNOWN


def build_member_tables(seen: Mapping[str, Iterable[str]], metrics: Mapping[str, Metric]) -> dict[str, pa.Table]:
    """Return the staged members by dimension name (``channel``, ``language``, ``country``, ``metric``).

    ``seen`` holds codes by their column: ``channel_code``, ``language_code``, ``country_code``, ``metric``. The columns
    of each table are those of ``warehouse.model.schema.member_schema``. A dimension without a code has no table.
    """
    members = {
        "channel": [
            {"channel_code": code, **vars(find_channel(code))} for code in sorted(seen.get("channel_code", ()))
        ],
        "language": [
            {"language_code": code, "language": base_language(code)} for code in sorted(seen.get("language_code", ()))
        ],
        "country": [
            {"country_code": code, "country": country_name(code)} for code in sorted(seen.get("country_code", ()))
        ],
        "metric": [
            {
                "metric": name,
                "unit": metrics[name].unit,
                "additivity": metrics[name].additivity,
                "description": metrics[name].description,
            }
            for name in sorted(seen.get("metric", ()))
        ],
    }
    return {name: pa.Table.from_pylist(rows, member_schema(name)) for name, rows in members.items() if rows}
