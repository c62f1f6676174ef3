"""Requests to Cognigy."""
