"""Requests to Inkeep."""
