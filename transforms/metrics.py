"""What a metric of ``fact_metric_daily`` is, and the metrics that more than one provider tells. No values here.

A metric that only one provider tells is declared in that provider's transform module.
"""

from dataclasses import dataclass

ADDITIVE = "additive"
NOT_ADDITIVE = "not additive"


@dataclass(frozen=True)
class Metric:
    """``additivity`` is ``additive`` (may be summed over days and members) or ``not additive``.

    ``keeps_zero`` is for metrics whose members are named numbers, each told on its own: a told zero is a row. Members
    of a breakdown that count nothing are no rows; scalars are always kept.
    """

    name: str
    unit: str
    additivity: str
    description: str
    keeps_zero: bool = False

    @property
    def is_additive(self) -> bool:
        """Whether values may be added up."""
        return self.additivity == ADDITIVE


END_REASON = Metric("end_reason", "conversations", ADDITIVE, "Conversations (calls) by the reason why they ended.")
