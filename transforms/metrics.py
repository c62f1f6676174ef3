"""The declaration of a metric of ``fact_metric_daily``, and the metrics that several providers report.

What must not come in: a metric that only one provider reports (its own package declares it), a value.
"""

from dataclasses import dataclass

from warehouse.model.columns import ADDITIVE, NOT_ADDITIVE

__all__ = ["ADDITIVE", "END_REASON", "NOT_ADDITIVE", "Metric"]


@dataclass(frozen=True)
class Metric:
    """A metric with its unit and meaning.

    ``additivity`` is ``additive`` (values may be summed over days and members) or ``not additive``.

    ``keeps_zero`` is for metrics whose members are named numbers, each reported on its own: a reported zero is a row. A
    member of a breakdown that counts zero is no row. The value of a metric without members is always a row.
    """

    name: str
    unit: str
    additivity: str
    description: str
    keeps_zero: bool = False

    @property
    def is_additive(self) -> bool:
        """Whether values may be summed."""
        return self.additivity == ADDITIVE


END_REASON = Metric("end_reason", "conversations", ADDITIVE, "Conversations (calls) by the reason why they ended.")
