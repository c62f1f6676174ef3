"""The sentence for each way in which a value of the configuration can be wrong. No value is validated here.

The library's own sentences speak of its types. Ours say what a person has to write. No value is quoted: a secret may
stand in its place by mistake.
"""

import re
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


_SENTENCES = {
    "missing": "is missing",
    "greater_than_equal": "is too small: the least is {ge}",
    "greater_than": "is too small: it is more than {gt}",
    "less_than_equal": "is too large: the most is {le}",
    "less_than": "is too large: it is less than {lt}",
    "string_too_long": "is too long: the most are {max_length} characters",
    "string_too_short": "is empty",
    "too_short": "has too few items: the least is {min_length}",
    "too_long": "has too many items: the most is {max_length}",
    "finite_number": "is no number with an end",
    "string_type": _TEXT,
    **dict.fromkeys(("list_type", "tuple_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "mapping_type"), _SECTION),
}
"""The sentence of each kind of error; the names in braces are the library's names of the limits."""


def describe_problem(model: type[BaseModel], location: Location, kind: str, message: str, context: Any) -> str:
    """Return the problem of a value in our words.

    `location` are the keys down to the value, `kind`, `message` and `context` are those of the validation's error.
    """
    if kind == "extra_forbidden":
        return f"is not a known key{_explain_key(model, location)}"
    if kind == "string_pattern_mismatch":
        return f"has another form than it must have: {_describe_field(_find_field(model, location))}"
    if kind == "literal_error":
        return f"is none of: {', '.join(_QUOTED.findall(str(context['expected'])))}"
    sentence = _SENTENCES.get(kind)
    if sentence is None:
        return message.removeprefix("Value error, ")
    return sentence.format(**{name: _format_number(value) for name, value in (context or {}).items()})


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
