"""The Dagster instance: its home, its logs, and the materializations that runs outside Dagster report to it."""
