"""Requests to Chatlayer."""
