"""What a test asks of a sandbox in another process: `/_sandbox/...`. No vendor has any of this.

Everything is plain JSON and needs no credential; the sandbox listens on the loopback only.
"""

from dataclasses import asdict, fields
from datetime import date, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.http import ApiContext, ApiError, EndpointHandler, format_instant, json_response, make_endpoint
from sandbox.recorder import Fault, RequestLog
from sandbox.shapes import ResponseShapes
from sandbox.truth import compute_truth


def routes(desk: ApiContext, book: RequestLog) -> list[Route]:
    """The endpoints below `/_sandbox`."""

    def route(path: str, handler: EndpointHandler, *methods: str) -> Route:
        return Route(path, make_endpoint(desk, handler), methods=list(methods))

    async def health(desk: ApiContext, _request: Request) -> Response:
        accounts = [
            {"account": one.name, "provider": one.provider, "timezone": one.timezone, "ids": one.ids}
            for one in desk.world.accounts.values()
        ]
        return json_response({"seed": desk.world.seed, "download_base": desk.download_base, "accounts": accounts})

    async def requests(_desk: ApiContext, request: Request) -> Response:
        query = request.query_params
        found = book.select(query.get("provider"), query.get("path", ""), query.get("method"))
        return json_response(
            {"count": len(found), "most_at_once": book.max_concurrent, "requests": book.as_dicts(found)}
        )

    async def clear(_desk: ApiContext, _request: Request) -> Response:
        book.clear()
        return json_response({})

    async def jobs(desk: ApiContext, _request: Request) -> Response:
        return json_response({"jobs": [job.shown() for job in desk.jobs.values()]})

    async def restate(desk: ApiContext, request: Request) -> Response:
        body = await request.json()
        desk.world.restate(body["account"], date.fromisoformat(body["day"]), body["how"])
        return json_response({})

    async def faults(_desk: ApiContext, request: Request) -> Response:
        book.plan_faults(*(Fault(**one) for one in await request.json()))
        return json_response({})

    async def switches(desk: ApiContext, request: Request) -> Response:
        known = {field.name for field in fields(ResponseShapes)}
        changes = await request.json()
        if unknown := sorted(set(changes) - known):
            raise ApiError(400, {"error": f"no switches {unknown}"})
        for name, value in changes.items():
            setattr(desk.shapes, name, tuple(value) if isinstance(value, list) else value)
        return json_response(asdict(desk.shapes))

    async def tell(desk: ApiContext, request: Request) -> Response:
        query = request.query_params
        first, last = date.fromisoformat(query["from"]), date.fromisoformat(query["to"])
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        streams = query["streams"].split(",") if "streams" in query else None
        rows = compute_truth(desk.world, query["account"], query["view"], days, streams=streams, shapes=desk.shapes)
        shown = [{name: _plain(value) for name, value in row.items()} for row in rows]
        return json_response({"rows": shown})

    return [
        route("/health", health, "GET"),
        route("/requests", requests, "GET"),
        route("/requests", clear, "DELETE"),
        route("/jobs", jobs, "GET"),
        route("/restate", restate, "POST"),
        route("/faults", faults, "POST"),
        route("/switches", switches, "POST"),
        route("/truth", tell, "GET"),
    ]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_instant(value)
    return value.isoformat() if isinstance(value, date) else value
