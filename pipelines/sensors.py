"""What starts runs because something happened: a look at the star after loads. No schedule is here."""

import dagster as dg

from pipelines.star import GROUP


def star_sensor() -> dg.AutomationConditionSensorDefinition:
    """Look at the star after each load, by the assets' own conditions; on unless it is turned off."""
    return dg.AutomationConditionSensorDefinition(
        "look_at_star_after_loads",
        target=dg.AssetSelection.groups(GROUP),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Counts and checks what is published once a load has ended.",
    )
