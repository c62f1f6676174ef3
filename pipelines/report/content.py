"""All that the sections of a report are built from. No calculations belong here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipelines.report.chart_sql import ChartSql
from pipelines.report.coverage import PeriodCoverage
from pipelines.report.period import Period
from pipelines.report.queries import QueryResult, QueryRow


@dataclass(frozen=True)
class Content:
    """The rows of the queries, the load states, the providers in their order, and the writer of the charts' SQL."""

    results: QueryResult
    coverage: PeriodCoverage
    providers: Sequence[str]
    sql: ChartSql

    @property
    def period(self) -> Period:
        """The days of the report."""
        return self.coverage.period

    @property
    def complete_accounts(self) -> Collection[str]:
        """The accounts whose period can be compared with the days before."""
        return self.coverage.complete_accounts

    def list_rows(self, query: str, provider: str) -> list[QueryRow]:
        """Return the rows of a query that are about one provider."""
        return [row for row in self.results[query] if row["provider"] == provider]
