"""Dagster: assets, checks, schedules, sensors, its home and its storage. Rules of loading do not belong here."""
