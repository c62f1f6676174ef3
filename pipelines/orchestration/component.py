"""``chatmart.ChatmartComponent``: a configuration of chatmart inside somebody's own Dagster project.

What its assets, checks and schedules are is in ``orchestration.build``.
"""

from dataclasses import replace

import dagster as dg
from pydantic import BaseModel, Field

from extractors.errors import ConfigError
from pipelines.configuration.config import Config, load_config
from pipelines.orchestration.build import build_definitions


class ComponentParams(BaseModel):
    """Options of ``dg scaffold defs chatmart.ChatmartComponent``."""

    config: str = Field(
        default="{{ project_root }}/chatmart.yaml",
        description="Path of the configuration; a relative one starts from the folder of defs.yaml.",
    )


class ChatmartScaffolder(dg.Scaffolder[ComponentParams]):
    """Writes a ``defs.yaml`` that names the configuration."""

    @classmethod
    def get_scaffold_params(cls) -> type[ComponentParams]:
        """Return the options of the scaffold command."""
        return ComponentParams

    def scaffold(self, request: dg.ScaffoldRequest[ComponentParams]) -> None:
        """Write the file."""
        dg.scaffold_component(request, {"config": request.params.config})


@dg.scaffold_with(ChatmartScaffolder)
class ChatmartComponent(dg.Component, dg.Model, dg.Resolvable):
    """Daily chatbot analytics of a chatmart configuration: its landing zone, star, views, checks and schedules."""

    config: str = Field(
        default="{{ project_root }}/chatmart.yaml",
        description="Path of chatmart.yaml; a relative one starts from the folder of defs.yaml.",
    )
    accounts: list[str] = Field(default=[], description="Names of the accounts to bring in; all if empty.")
    providers: list[str] = Field(default=[], description="Providers whose accounts to bring in; all if empty.")
    schedules: bool = Field(
        default=True, description="Whether the schedules run by themselves; otherwise they wait to be switched on."
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Return the definitions of the chosen accounts. Raises ConfigError for a missing or wrong configuration."""
        return build_definitions(self._load_config(context), is_scheduled=self.schedules, is_guest=True)

    def _load_config(self, context: dg.ComponentLoadContext) -> Config:
        path = (context.path / self.config).resolve()
        if not path.is_file():
            raise ConfigError([f"{context.path}: config: there is no file {path}; write it, or name another one"])
        config = load_config(path)
        return replace(config, accounts=config.select_accounts(self.accounts, self.providers))
