"""Queries as a person types them: the prompt, its statements and its meta-commands."""
