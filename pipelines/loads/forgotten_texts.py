"""Sentences that a run holds in memory, without the people whom their account has forgotten since.

Nothing is written here.
"""

from extractors.landing.forgotten import read_people
from extractors.landing.zone import LandingZone


def erase_forgotten(landing: LandingZone, provider: str, account: str, text: str) -> str:
    """Return a text about an account with ``forgotten`` in place of the ids of people whom it has forgotten by now.

    A list that cannot be read hides nothing: the account's own error names it.
    """
    try:
        people = read_people(landing.refresh_list(provider, account))
    except OSError:
        return text
    return people.replace_inside(text) if people else text
