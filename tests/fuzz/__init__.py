"""A fuzz of every provider's answers: real answers of the sandbox are changed in flight, fetched and transformed.

``answers`` replays answers, ``subjects`` are the accounts, ``mutations`` and its siblings change an answer and declare
the effect, ``judge`` decides whether the outcome is right, ``run`` runs and counts. ``make fuzz`` runs all of it.
"""
