"""The rhythms of the demo's bots: factors of the weekdays from Monday, and weights of the local hours from midnight."""

OFFICE_DAYS = (1.25, 1.15, 1.1, 1.05, 1.0, 0.4, 0.25)
"""A help desk: Mondays are the busiest, weekends are quiet."""

SHOP_DAYS = (1.05, 0.95, 0.95, 1.0, 0.95, 1.05, 1.3)
"""A shop: people buy at the weekend."""

TRAVEL_DAYS = (1.1, 0.95, 0.9, 1.0, 1.25, 1.0, 0.9)
"""Journeys begin on Friday and end on Monday."""

OFFICE_HOURS = (1, 1, 0, 0, 1, 2, 6, 18, 42, 64, 68, 58, 44, 50, 56, 54, 48, 38, 26, 20, 16, 12, 6, 3)
PHONE_HOURS = (0, 0, 0, 0, 0, 0, 2, 20, 70, 90, 86, 70, 48, 56, 64, 60, 54, 40, 18, 8, 2, 0, 0, 0)
EVENING_HOURS = (8, 4, 2, 1, 1, 2, 6, 12, 18, 24, 28, 32, 36, 32, 28, 30, 36, 46, 60, 78, 88, 74, 46, 20)
WEEKEND_HOURS = (8, 5, 3, 2, 1, 2, 4, 8, 16, 28, 40, 46, 44, 40, 40, 42, 44, 46, 48, 52, 50, 40, 26, 14)
WORLD_HOURS = (14, 12, 12, 14, 18, 22, 30, 44, 56, 60, 56, 50, 46, 60, 72, 76, 74, 66, 56, 46, 36, 28, 22, 18)
"""Readers of documentation in Europe and America, in UTC."""
