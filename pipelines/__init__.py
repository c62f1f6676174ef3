"""Orchestration: the only package that imports dagster. It drives the others and owns no business rule.

``config``, ``plan``, ``runs`` and ``cli`` work without dagster; ``definitions`` and what it gathers is for dagster.
"""
