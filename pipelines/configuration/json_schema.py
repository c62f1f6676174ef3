"""Builds the JSON Schema of the configuration, for editors, from the models that check the file.

It describes the file before ``${VARIABLE}`` is filled in: a reference may stand for any single value, and must stand
for a secret. It is in the form of draft 7, which editors know best. What must not come in: the check of a
configuration, the writing of a file.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from extractors.account import Account
from extractors.registry import PROVIDERS, get_provider
from pipelines.configuration.document import Document

SCHEMA_PATH = Path(__file__).with_name("chatmart.schema.json")

_REFERENCE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
_DEFS = "#/definitions/"
_ABOUT = ("description", "default")
_SCALARS = {"string", "integer", "number", "boolean"}


def build_schema() -> dict[str, Any]:
    """The schema of a whole file."""
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [(Document, "validation")]
    models += [(get_provider(name).account, "validation") for name in PROVIDERS]
    _, told = models_json_schema(models, ref_template=_DEFS + "{model}")
    made = {name: _object(each) for name, each in told["$defs"].items()}
    document = made.pop("Document")
    document["properties"]["accounts"]["items"] = _entry(made)
    shared = {
        "reference": {
            "type": "string",
            "pattern": _REFERENCE,
            "description": "A variable, from the environment or .env",
        },
        "secret": {"type": "string", "pattern": f"^{_REFERENCE}$"},
        "zone": {"type": "string", "enum": (files("tzdata") / "zones").read_text("utf-8").split()},
    }
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "chatmart.yaml"}
    return {**head, **document, "definitions": {**shared, **made}}


def _entry(made: dict[str, Any]) -> dict[str, Any]:
    """One account; which keys it may have depends on its provider."""
    about = "The platform that the account lives on"
    branches = []
    for name in PROVIDERS:
        model = get_provider(name).account
        keys = made[model.__name__]["properties"]
        for key, each in keys.items():  # a field that a provider declares anew, for its default, keeps its meaning
            each.setdefault("description", getattr(Account.model_fields.get(key), "description", None) or "")
        streams = [*model.STREAMS, *(f"{name}.{stream}" for stream in model.STREAMS)]
        keys["streams"]["anyOf"][0]["items"] = {"enum": streams}
        made[model.__name__]["properties"] = {"provider": {"const": name, "description": about}, **keys}
        condition = {"properties": {"provider": {"const": name}}, "required": ["provider"]}
        branches.append({"if": condition, "then": {"$ref": _DEFS + model.__name__}})
    kinds = {"provider": {"enum": list(PROVIDERS), "description": about}}
    return {"type": "object", "required": ["provider"], "properties": kinds, "allOf": branches}


def _object(told: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: told[key] for key in ("type", "description", "required", "additionalProperties") if key in told}
    return {**kept, "properties": {key: _value(each) for key, each in told["properties"].items()}}


def _value(told: Mapping[str, Any]) -> dict[str, Any]:
    """What may stand at one place: the model's own forms, or a reference in their place."""
    about = {
        key: told[key] for key in _ABOUT if key in told and not isinstance(told[key], dict) and told[key] is not None
    }
    forms = [form for each in told.get("anyOf", [told]) for form in _forms(each)]
    return {**about, **(forms[0] if len(forms) == 1 and "$ref" not in forms[0] else {"anyOf": forms})}


def _forms(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    form = {key: each for key, each in told.items() if key not in (*_ABOUT, "title")}
    reference = {"$ref": _DEFS + "reference"}
    if form.get("format") == "password":
        return [{"$ref": _DEFS + "secret"}]
    if form.get("format") == "time-zone":
        return [{"$ref": _DEFS + "zone"}, reference]
    if form.get("type") == "string" and "enum" not in form and "format" not in form:
        form["type"] = ["string", "number"]  # a number is taken for its digits
        return [form, reference] if "pattern" in form else [form]
    if form.get("type") in _SCALARS:
        return [form, reference]
    if "$ref" in form:
        return [{"$ref": form["$ref"]}]
    if "prefixItems" in form:
        form["items"] = [_value(each) for each in form.pop("prefixItems")]
    elif isinstance(form.get("items"), dict):
        form["items"] = _value(form["items"])
    if isinstance(form.get("additionalProperties"), dict):
        form["additionalProperties"] = _value(form["additionalProperties"])
    return [form]


def render_schema() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(build_schema(), indent=1, ensure_ascii=False) + "\n"


def schema_comment(folder: Path) -> str:
    """The comment at the head of a configuration in ``folder`` by which editors find the schema, without a network."""
    inside = SCHEMA_PATH.relative_to(folder).as_posix() if SCHEMA_PATH.is_relative_to(folder) else None
    address = SCHEMA_PATH.as_uri() if inside is None or " " in inside else inside
    return f"# yaml-language-server: $schema={address}"
