"""Conformed members: channels, languages and countries of all providers under one name. Data, and its look-up.

Codes are kept as told; only the attributes beside them are conformed. The channel map is ``channels.yaml``, with its
decision log in docs/mapping.md; countries are ISO 3166-1, languages BCP 47.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pyarrow as pa
import pycountry
import yaml

from transforms.metrics import Metric
from transforms.reading import UNKNOWN
from warehouse.model.schema import member_schema

OTHER_CHANNEL = "other"


@dataclass(frozen=True)
class ConformedChannel:
    """A conformed channel; ``is_test`` marks traffic of the bot's makers."""

    channel: str
    channel_group: str
    is_test: bool


@cache
def _channels() -> Mapping[str, ConformedChannel]:
    loaded = yaml.safe_load(files("transforms").joinpath("channels.yaml").read_text("utf-8"))
    return {
        code.casefold(): ConformedChannel(name, row["group"], row.get("is_test", False))
        for name, row in loaded.items()
        for code in row["codes"]
    }


def find_channel(code: str) -> ConformedChannel:
    """The conformed channel of a code as told; ``other`` for one that is not in the map."""
    return _channels().get(code.casefold(), ConformedChannel(OTHER_CHANNEL, UNKNOWN, is_test=False))


def normalize_language_code(raw_code: str | None) -> str:
    """A BCP 47 tag in canonical case: ``DE`` → ``de``, ``pt_br`` → ``pt-BR``, ``zh-hant-tw`` → ``zh-Hant-TW``."""
    if not raw_code:
        return UNKNOWN
    parts = raw_code.replace("_", "-").lower().split("-")
    # after a singleton (extensions, private use) and in front everything stays in lower case: RFC 5646, 2.1.1
    plain = next((at for at, part in enumerate(parts) if len(part) == 1), len(parts))
    return "-".join(part if at == 0 or at >= plain else _subtag(part) for at, part in enumerate(parts))


def _subtag(text: str) -> str:
    if len(text) == 4 and text.isalpha():
        return text.title()
    return text.upper() if len(text) == 2 else text


def base_language(code: str) -> str:
    """The lower-case base of a tag: ``pt-BR`` → ``pt``."""
    return code.split("-")[0].lower()


def normalize_country_code(raw_code: str | None) -> str:
    """An ISO 3166-1 alpha-2 code in upper case; ``NA`` is Namibia."""
    return raw_code.upper() if raw_code else UNKNOWN


def country_name(code: str) -> str:
    """The English name of a country code, ``unknown`` for one that ISO 3166-1 lacks."""
    found = pycountry.countries.get(alpha_2=code)
    return str(found.name) if found else UNKNOWN


def build_member_tables(seen: Mapping[str, Iterable[str]], metrics: Mapping[str, Metric]) -> dict[str, pa.Table]:
    """The staged members of every dimension of which codes were seen, by dimension name."""
    rows = {
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
    return {name: pa.Table.from_pylist(found, member_schema(name)) for name, found in rows.items() if found}
