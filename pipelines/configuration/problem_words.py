"""The sentence for each way in which a value of the configuration can be wrong. No value is validated here.

The library's own sentences speak of its types. Ours say what a person has to write. No value is quoted: a secret may
stand in its place by mistake.
"""

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from extractors.registry import PROVIDERS, get_account_model
from extractors.similar_names import suggest

Location = tuple[int | str, ...]

_QUOTED = re.compile(r"'([^']*)'")
_SECTION = "is not a section: write its keys below it, one a line, indented, as in `key: value`"
_LIST = "is not a list: write it as in [first, second], or one item a line after `- `"
_TEXT = "is not a text: it is a list or a section; write one value"


def describe_problem(model: type[BaseModel], location: Location, kind: str, message: str, context: Any) -> str:
    """Return the problem of a value in our words.

    `location` are the keys down to the value, `kind`, `message` and `context` are those of the validation's error.
    """
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return f"is not a known key{_explain_key(model, location)}"
    limits: Mapping[str, Any] = context or {}
    field = _find_field(model, location)
    match kind:
        case "greater_than_equal":
            return f"is too small: the least is {_format_number(limits['ge'])}"
        case "greater_than":
            return f"is too small: it is more than {_format_number(limits['gt'])}"
        case "less_than_equal":
            return f"is too large: the most is {_format_number(limits['le'])}"
        case "literal_error":
            return f"is none of: {', '.join(_QUOTED.findall(str(limits['expected'])))}"
        case "string_too_long":
            return f"is too long: the most are {limits['max_length']} characters"
        case "string_too_short":
            return "is empty"
        case "too_short":
            return f"has too few items: the least is {limits['min_length']}"
        case "too_long":
            return f"has too many items: the most is {limits['max_length']}"
        case "string_pattern_mismatch":
            return f"has another form than it must have: {_describe_field(field)}"
        case "list_type" | "tuple_type":
            return _LIST
        case "string_type":
            return _TEXT
        case "dict_type" | "model_type" | "model_attributes_type" | "mapping_type":
            return _SECTION
        case "finite_number":
            return "is no number with an end"
        case _:
            return message.removeprefix("Value error, ")


def _format_number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _describe_field(field: FieldInfo | None) -> str:
    text = field.description if field is not None else None
    return f"{text[0].lower()}{text[1:]}" if text else "see chatmart.example.yaml"


def _find_field(model: type[BaseModel], location: Location) -> FieldInfo | None:
    """Return the declaration of the setting at a location, or None where it is inside a list or a mapping."""
    field: FieldInfo | None = None
    section: type[BaseModel] | None = model
    for key in location:
        if section is None:
            return field
        field = section.model_fields.get(str(key))
        section = _find_section(field) if field is not None else None
    return field


def _find_section(field: FieldInfo) -> type[BaseModel] | None:
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _explain_key(model: type[BaseModel], location: Location) -> str:
    """Return the known keys that an unknown one resembles, else the providers whose accounts have it."""
    *parents, key = location
    field = _find_field(model, tuple(parents)) if parents else None
    section = _find_section(field) if field is not None else model
    if section is None:
        return ""
    suggestion = suggest(str(key), section.model_fields)
    if suggestion or parents:
        return suggestion
    owners = [name for name in PROVIDERS if str(key) in get_account_model(name).model_fields]
    return f" here: accounts at {' and '.join(owners)} have it" if owners else ""
