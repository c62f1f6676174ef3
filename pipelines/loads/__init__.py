"""Runs without an orchestrator: planning, fetching, committing, and the outcomes. No dagster, no output."""
