"""The JSON Schema of the configuration, for editors: made from the models that check the file. No file is checked here.

``python -m pipelines.config_schema`` writes it, ``--check`` only says whether it is current. It says what the file may
look like before ``${VARIABLE}`` is filled in, so a reference may stand for any single value, and must stand for a
secret. In the form of draft 7, which editors know best.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from extractors.accounts import Account
from extractors.registry import PROVIDERS, provider
from pipelines.config_document import Document

PATH = Path(__file__).with_name("chatmart.schema.json")

_REFERENCE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
_DEFS = "#/definitions/"
_ABOUT = ("description", "default")
_SCALARS = {"string", "integer", "number", "boolean"}


def schema() -> dict[str, Any]:
    """The schema of a whole file."""
    models = [Document, *(provider(name).account for name in PROVIDERS)]
    _, told = models_json_schema([(model, "validation") for model in models], ref_template=_DEFS + "{model}")
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
        model = provider(name).account
        keys = made[model.__name__]["properties"]
        for key, each in keys.items():
            each.setdefault(
                "description", (Account.model_fields[key].description or "") if key in Account.model_fields else ""
            )
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


def text() -> str:
    """The schema as it stands in the file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or say whether it is current: 1 when it is not."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.config_schema", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    if not parser.parse_args(arguments).check:
        PATH.write_text(text(), "utf-8")
    elif not PATH.is_file() or PATH.read_text("utf-8") != text():
        sys.stderr.write(f"{PATH.name} is not what the models say: run `python -m pipelines.config_schema`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
