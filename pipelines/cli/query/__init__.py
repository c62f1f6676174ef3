"""Queries typed by a person: the prompt, SQL statements, the catalog of views and the prompt's own commands."""
