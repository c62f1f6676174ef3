"""The admin endpoints `/_sandbox/...`, for a test that runs the sandbox in another process. No vendor has them.

Plain JSON without a credential; the sandbox listens on the loopback only, unless it is told otherwise.
"""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.http import ApiContext, ApiError, EndpointHandler, format_instant, make_endpoint, make_json_response
from sandbox.recorder import Fault, RequestLog
from sandbox.shapes import list_shape_names
from sandbox.truth import compute_truth

Context = ApiContext[Any]


def build_routes(context: Context, request_log: RequestLog) -> list[Route]:
    """Return the endpoints below `/_sandbox`."""

    async def list_requests(_context: Context, request: Request) -> Response:
        query = request.query_params
        records = request_log.select(query.get("provider"), query.get("path", ""), query.get("method"))
        body = {
            "count": len(records),
            "most_at_once": request_log.max_concurrent,
            "requests": request_log.as_dicts(records),
        }
        return make_json_response(body)

    async def clear_requests(_context: Context, _request: Request) -> Response:
        request_log.clear()
        return make_json_response({})

    async def plan_faults(_context: Context, request: Request) -> Response:
        request_log.plan_faults(*(Fault(**fields) for fields in await request.json()))
        return make_json_response({})

    endpoints: tuple[tuple[str, EndpointHandler[Any], str], ...] = (
        ("/health", show_world, "GET"),
        ("/requests", list_requests, "GET"),
        ("/requests", clear_requests, "DELETE"),
        ("/jobs", list_jobs, "GET"),
        ("/restate", restate_day, "POST"),
        ("/faults", plan_faults, "POST"),
        ("/shapes", change_shapes, "POST"),
        ("/truth", show_truth, "GET"),
    )
    return [Route(path, make_endpoint(context, handler), methods=[method]) for path, handler, method in endpoints]


async def show_world(context: Context, _request: Request) -> Response:
    """Respond with `{seed, download_base, accounts: [{account, provider, timezone, ids}]}`."""
    accounts = [
        {"account": account.name, "provider": account.provider, "timezone": account.timezone, "ids": account.ids}
        for account in context.world.accounts.values()
    ]
    return make_json_response(
        {"seed": context.world.seed, "download_base": context.download_base, "accounts": accounts}
    )


async def list_jobs(context: Context, _request: Request) -> Response:
    """Respond with `{jobs: [...]}`: all export jobs, oldest first."""
    return make_json_response({"jobs": [job.as_dict() for job in context.jobs.values()]})


async def restate_day(context: Context, request: Request) -> Response:
    """Change a local day of an account afterwards, from a body `{account, day, how}`."""
    body = await request.json()
    context.world.restate(body["account"], date.fromisoformat(body["day"]), body["how"])
    return make_json_response({})


async def change_shapes(context: Context, request: Request) -> Response:
    """Set shapes from a body of names and values, and respond with all shapes.

    Raises ApiError (400) for an unknown name.
    """
    changes = await request.json()
    if unknown := sorted(set(changes) - set(list_shape_names())):
        raise ApiError(400, {"error": f"unknown shapes {unknown}"})
    for name, value in changes.items():
        setattr(context.shapes, name, tuple(value) if isinstance(value, list) else value)
    return make_json_response(asdict(context.shapes))


async def show_truth(context: Context, request: Request) -> Response:
    """Respond with `{rows: [...]}` of one view and account, for the local days `from` to `to`, both included."""
    query = request.query_params
    first, last = date.fromisoformat(query["from"]), date.fromisoformat(query["to"])
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    streams = query["streams"].split(",") if "streams" in query else None
    rows = compute_truth(context.world, query["account"], query["view"], days, streams=streams, shapes=context.shapes)
    return make_json_response({"rows": [{name: _as_json_value(value) for name, value in row.items()} for row in rows]})


def _as_json_value(value: object) -> object:
    if isinstance(value, datetime):
        return format_instant(value)
    return value.isoformat() if isinstance(value, date) else value
