"""The form of the files for `docker compose`, as a schema of the keys that they use: any other key is a mistake.

The types follow the Compose Specification; the files were also checked against the schema of the specification itself
(docs/decisions/0064).
"""

from typing import Any

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1}
_DURATION = {"type": "string", "pattern": r"^(\d+(ms|s|m|h))+$"}


def _object(required: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "minProperties": 1,
    }


def _map_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": r"^[a-zA-Z0-9._-]+$"}, "additionalProperties": schema}


_BIND = _object(
    ("type", "source", "target", "bind"),
    type={"const": "bind"},
    source={"type": "string", "pattern": r"^(\./|/|\$\{\w+:-\./)"},
    target={"type": "string", "pattern": "^/"},
    read_only={"type": "boolean"},
    bind=_object(("create_host_path",), create_host_path={"const": False}),
)
"""A path of the host: always in the long form, so that a missing one is an error, not a new folder."""

_NAMED_VOLUME = {"type": "string", "pattern": r"^[a-z]+:/[\w/]+(:ro)?$"}

_HEALTHCHECK = {
    "oneOf": [
        _object(("disable",), disable={"const": True}),
        _object(
            ("test", "interval", "timeout"),
            test={"type": "array", "items": _TEXT, "minItems": 2, "prefixItems": [{"const": "CMD"}]},
            interval=_DURATION,
            timeout=_DURATION,
            start_period=_DURATION,
            start_interval=_DURATION,
            retries={"type": "integer", "minimum": 1},
        ),
    ]
}

_DEPENDENCY = _object(
    ("condition",),
    condition={"enum": ["service_healthy", "service_completed_successfully"]},
    required={"type": "boolean"},
)

_BUILD = {
    "oneOf": [_TEXT, _object(("context",), context=_TEXT, dockerfile=_TEXT, additional_contexts=_map_of(_TEXT))],
}

_SERVICE = _object(
    build=_BUILD,
    command=_TEXTS,
    depends_on=_map_of(_DEPENDENCY),
    env_file={"type": "array", "items": _object(("path", "required"), path=_TEXT, required={"type": "boolean"})},
    environment=_map_of({"type": ["string", "number"]}),
    healthcheck=_HEALTHCHECK,
    image=_TEXT,
    init={"type": "boolean"},
    ports={"type": "array", "items": {"type": "string", "pattern": r"^127\.0\.0\.1:\d+:\d+$"}},
    profiles=_TEXTS,
    restart={"enum": ["no", "always", "on-failure", "unless-stopped"]},
    stop_grace_period=_DURATION,
    volumes={"type": "array", "items": {"oneOf": [_BIND, _NAMED_VOLUME]}},
)

COMPOSE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["services"],
    "properties": {
        "name": _TEXT,
        "services": _map_of(_SERVICE),
        "volumes": _map_of({"type": "null"}),
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
}
