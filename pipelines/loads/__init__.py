"""Runs without an orchestrator: what to fetch, fetching and committing it, what became of it. No dagster, no output."""
