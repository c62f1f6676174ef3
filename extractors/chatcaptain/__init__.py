"""Requests to ChatCaptain."""
