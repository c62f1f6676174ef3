"""Requests to Cognigy: billing counters by calendar month. The meaning of the counters is not decided here.

Source: the vendor's REST reference (conversationcounter, callcounter, knowledgequerycounter). One response covers every
day of a month. Days follow the organisation's billing zone, which is the account's ``timezone``.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SecretStr

from extractors.account import Account, BaseUrl, Credential
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.landing.writer import BatchWriter
from extractors.registry import Provider, Stream
from extractors.windows import Window, split_by_month

COUNTERS = {
    "conversation_counter": "/v3.0/projects/{project}/conversationcounter",
    "call_counter": "/v3.0/projects/{project}/callcounter",
    "knowledge_query_counter": "/v2.0/projects/{project}/knowledgequerycounter",
}


class CognigyAccount(Account):
    """A Cognigy project."""

    PROVIDER: ClassVar[str] = "cognigy"
    STREAMS: ClassVar[tuple[str, ...]] = tuple(COUNTERS)

    base_url: BaseUrl = "https://api-trial.cognigy.ai/new"
    project_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{24}$")] = Field(description="The project's 24 characters")
    api_key: SecretStr = Field(description="API key of a user who may read the project's counters")
    auth: Literal["header", "bearer", "query"] = Field(
        default="header", description="How the key travels; `query` puts it into URLs and is for hosts that insist"
    )

    @property
    def external_id(self) -> str:
        """The project's id."""
        return self.project_id

    def credential(self) -> Credential:
        """Return the key in the form that ``auth`` names; it is never sent in two forms at once."""
        key = self.api_key.get_secret_value()
        match self.auth:
            case "header":
                return Credential(headers={"X-API-Key": key})
            case "bearer":
                return Credential(headers={"Authorization": f"Bearer {key}"})
            case "query":
                return Credential(query={"api_key": key})

    def default_streams(self) -> tuple[str, ...]:
        """Return the conversation counter alone; the other counters are enabled by name."""
        return ("conversation_counter",)


def _build_fetch(
    stream: str,
) -> Callable[[Session[CognigyAccount], Window, BatchWriter], Awaitable[dict[str, Any] | None]]:
    async def fetch(session: Session[CognigyAccount], window: Window, batch: BatchWriter) -> None:
        batch.add(await _request_counter(session, stream, window))

    return fetch


async def _request_counter(session: Session[CognigyAccount], stream: str, window: Window) -> Response:
    path = COUNTERS[stream].format(project=session.account.project_id)
    month = {"year": str(window.start.year), "month": str(window.start.month)}
    return await session.request(stream, "GET", path, query=month)


async def _probe(session: Session[CognigyAccount], window: Window) -> Response:
    return await _request_counter(session, session.account.enabled_streams[0], window)


PROVIDER = Provider(
    name="cognigy",
    account=CognigyAccount,
    # 1,000 requests in 5 minutes by address: documented
    limits=RequestLimits(requests=1000, period_seconds=300, concurrency=4),
    streams={stream: Stream(windows=split_by_month, fetch=_build_fetch(stream)) for stream in COUNTERS},
    probe=_probe,
)
