"""Dagster: assets, checks, schedules, sensors, its home and its storage. No rule of loading is here."""
