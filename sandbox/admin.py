"""What a test asks of a sandbox in another process: `/_sandbox/...`. No vendor has any of this.

Everything is plain JSON and needs no credential; the sandbox listens on the loopback only.
"""

from dataclasses import asdict, fields
from datetime import date, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.http import Desk, Handler, Refused, answer, served, show_instant
from sandbox.recorder import Book, Fault
from sandbox.shapes import Switches
from sandbox.truth import truth


def routes(desk: Desk, book: Book) -> list[Route]:
    """The endpoints below `/_sandbox`."""

    def route(path: str, handler: Handler, *methods: str) -> Route:
        return Route(path, served(desk, handler), methods=list(methods))

    async def health(desk: Desk, _request: Request) -> Response:
        accounts = [
            {"account": one.name, "provider": one.provider, "timezone": one.timezone, "ids": one.ids}
            for one in desk.world.accounts.values()
        ]
        return answer({"seed": desk.world.seed, "download_base": desk.download_base, "accounts": accounts})

    async def requests(_desk: Desk, request: Request) -> Response:
        query = request.query_params
        found = book.select(query.get("provider"), query.get("path", ""), query.get("method"))
        return answer({"count": len(found), "most_at_once": book.most_at_once, "requests": book.shown(found)})

    async def clear(_desk: Desk, _request: Request) -> Response:
        book.clear()
        return answer({})

    async def jobs(desk: Desk, _request: Request) -> Response:
        return answer({"jobs": [job.shown() for job in desk.jobs.values()]})

    async def restate(desk: Desk, request: Request) -> Response:
        body = await request.json()
        desk.world.restate(body["account"], date.fromisoformat(body["day"]), body["how"])
        return answer({})

    async def faults(_desk: Desk, request: Request) -> Response:
        book.plan(*(Fault(**one) for one in await request.json()))
        return answer({})

    async def switches(desk: Desk, request: Request) -> Response:
        known = {field.name for field in fields(Switches)}
        changes = await request.json()
        if unknown := sorted(set(changes) - known):
            raise Refused(400, {"error": f"no switches {unknown}"})
        for name, value in changes.items():
            setattr(desk.switches, name, tuple(value) if isinstance(value, list) else value)
        return answer(asdict(desk.switches))

    async def tell(desk: Desk, request: Request) -> Response:
        query = request.query_params
        first, last = date.fromisoformat(query["from"]), date.fromisoformat(query["to"])
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        streams = query["streams"].split(",") if "streams" in query else None
        rows = truth(desk.world, query["account"], query["view"], days, streams=streams, switches=desk.switches)
        shown = [{name: _plain(value) for name, value in row.items()} for row in rows]
        return answer({"rows": shown})

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
        return show_instant(value)
    return value.isoformat() if isinstance(value, date) else value
