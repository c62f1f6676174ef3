"""The Dagster instance: its home, its logs, and the materialisations recorded in it for loads outside Dagster."""
