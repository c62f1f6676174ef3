"""The file with the configuration's JSON Schema: how editors find it, and facts that are read from it.

`json_schema` generates the file from the models. The facts are here for callers that must not wait until the models of
all providers are imported.
"""

import json
from pathlib import Path

SCHEMA_PATH = Path(__file__).with_name("chatmart.schema.json")


def schema_comment(folder: Path) -> str:
    """Return the first line of a configuration in ``folder``: a comment by which editors find the schema offline."""
    relative = SCHEMA_PATH.relative_to(folder).as_posix() if SCHEMA_PATH.is_relative_to(folder) else None
    address = SCHEMA_PATH.as_uri() if relative is None or " " in relative else relative
    return f"# yaml-language-server: $schema={address}"


def read_required_ids() -> dict[str, list[str]]:
    """Return the keys that an account requires beside its name and its secrets, by provider.

    >>> read_required_ids()["cognigy"]
    ['project_id']
    """
    schema = json.loads(SCHEMA_PATH.read_text("utf-8"))
    ids: dict[str, list[str]] = {}
    for branch in schema["properties"]["accounts"]["items"]["allOf"]:
        provider = branch["if"]["properties"]["provider"]["const"]
        model = schema["definitions"][branch["then"]["$ref"].rpartition("/")[2]]
        keys = model["properties"]
        is_secret = {key: {"$ref": "#/definitions/secret"} in keys[key].get("anyOf", ()) for key in model["required"]}
        ids[provider] = [key for key in model["required"] if key != "name" and not is_secret[key]]
    return ids
