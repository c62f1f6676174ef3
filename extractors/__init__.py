"""Extraction: provider API to landing zone, verbatim.

Requests, limits, polling, windows and the landing zone live here. The meaning of a response does not: that is
``transforms``. Nothing of the orchestrator, the transforms or the warehouse may be imported.
"""
