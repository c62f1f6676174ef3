"""The daily requests that every program makes. Standard library only: the other tools' environments import it too."""

from datetime import date, timedelta

ACCOUNTS = ("p1", "p2", "p3", "p4")
FIRST_DAY = date(2025, 1, 1)
DAYS = 250
REQUESTS = len(ACCOUNTS) * DAYS


def list_days(count: int = REQUESTS) -> list[tuple[str, date]]:
    """List project and day of ``count`` requests: a day of all accounts, then the next day."""
    return [
        (ACCOUNTS[number % len(ACCOUNTS)], FIRST_DAY + timedelta(days=number // len(ACCOUNTS)))
        for number in range(count)
    ]


def build_query(day: date) -> dict[str, object]:
    """Return the JSON body that asks ChatDash's API for one UTC day."""
    times = {"startTime": f"{day}T00:00:00.000Z", "endTime": f"{day}T23:59:59.999Z"}
    return {"query": [{"metrics": ["conversations"], "filter": times}]}
