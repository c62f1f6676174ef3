"""A Cognigy account: its id, its credential, its streams. No request is sent here.

Source: the vendor's REST reference (conversationcounter, callcounter, knowledgequerycounter).
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr

from extractors.account import Account, BaseUrl, Credential

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


ACCOUNT = CognigyAccount
