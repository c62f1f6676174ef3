"""The JSON Schema of the configuration, for editors: generated from the models that validate the file.

No configuration is validated and no file is written here. The schema describes the file before ``${VARIABLE}`` is
filled in: a reference is allowed for any single value and required for a secret. It has the form of draft 7, which
editors support best.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from extractors.account import Account
from extractors.registry import PROVIDERS, get_account_model
from pipelines.configuration.document import Document

_REFERENCE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
_DEFS = "#/definitions/"
_ANNOTATIONS = ("description", "default")
_SCALARS = {"string", "integer", "number", "boolean"}


def build_schema() -> dict[str, Any]:
    """Return the schema of a whole configuration file."""
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [(Document, "validation")]
    models += [(get_account_model(name), "validation") for name in PROVIDERS]
    _, generated = models_json_schema(models, ref_template=_DEFS + "{model}")
    definitions = {name: _convert_object(schema) for name, schema in generated["$defs"].items()}
    document = definitions.pop("Document")
    document["properties"]["accounts"]["items"] = _build_account_entry(definitions)
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
    return {**head, **document, "definitions": {**shared, **definitions}}


def _build_account_entry(definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one account: its provider decides which keys it may have.

    Each provider's definition is completed in place: descriptions, names of streams, the key ``provider``.
    """
    description = "The platform that the account lives on"
    branches = []
    for name in PROVIDERS:
        model = get_account_model(name)
        keys = definitions[model.__name__]["properties"]
        for key, schema in keys.items():  # a provider may redeclare a field only for its default: take the description
            schema.setdefault("description", getattr(Account.model_fields.get(key), "description", None) or "")
        streams = [*model.STREAMS, *(f"{name}.{stream}" for stream in model.STREAMS)]
        keys["streams"]["anyOf"][0]["items"] = {"enum": streams}
        definitions[model.__name__]["properties"] = {"provider": {"const": name, "description": description}, **keys}
        condition = {"properties": {"provider": {"const": name}}, "required": ["provider"]}
        branches.append({"if": condition, "then": {"$ref": _DEFS + model.__name__}})
    kinds = {"provider": {"enum": list(PROVIDERS), "description": description}}
    return {"type": "object", "required": ["provider"], "properties": kinds, "allOf": branches}


def _convert_object(schema: Mapping[str, Any]) -> dict[str, Any]:
    head = {key: schema[key] for key in ("type", "description", "required", "additionalProperties") if key in schema}
    return {**head, "properties": {key: _convert_value(value) for key, value in schema["properties"].items()}}


def _convert_value(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one value: the forms that the model accepts, or a reference in their place."""
    annotations = {key: schema[key] for key in _ANNOTATIONS if not isinstance(schema.get(key), dict | None)}
    forms = [form for variant in schema.get("anyOf", [schema]) for form in _list_forms(variant)]
    return {**annotations, **(forms[0] if len(forms) == 1 and "$ref" not in forms[0] else {"anyOf": forms})}


def _list_forms(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the forms in which a value of one type may be written; the first is the type itself, where allowed."""
    form = {key: value for key, value in schema.items() if key not in (*_ANNOTATIONS, "title")}
    reference = {"$ref": _DEFS + "reference"}
    if form.get("format") == "password":
        return [{"$ref": _DEFS + "secret"}]
    if form.get("format") == "time-zone":
        return [{"$ref": _DEFS + "zone"}, reference]
    if form.get("type") == "string" and "enum" not in form and "format" not in form:
        form["type"] = ["string", "number", "boolean"]  # 0123, 1e3, true: kept as the characters of the file
        return [form, reference] if "pattern" in form else [form]
    if form.get("type") in _SCALARS:
        return [form, reference]
    if "$ref" in form:
        return [{"$ref": form["$ref"]}]
    if "prefixItems" in form:
        form["items"] = [_convert_value(item) for item in form.pop("prefixItems")]
    elif isinstance(form.get("items"), dict):
        form["items"] = _convert_value(form["items"])
    if isinstance(form.get("additionalProperties"), dict):
        form["additionalProperties"] = _convert_value(form["additionalProperties"])
    return [form]


def render_schema() -> str:
    """Return the text of the schema file."""
    return json.dumps(build_schema(), indent=1, ensure_ascii=False) + "\n"
