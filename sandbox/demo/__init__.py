"""The demo's world: four invented companies with seven bots, and the events of their sixty days.

Values and dates only; the draws are in `sandbox/profile.py`. The world of the tests, whose names are awkward on
purpose, is in `sandbox/accounts.py`. Both are served and known as truth by the same code. No real company is meant.
"""
