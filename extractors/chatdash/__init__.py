"""Requests to ChatDash."""
