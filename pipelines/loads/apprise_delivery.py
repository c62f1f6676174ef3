"""Delivery by apprise, a library that knows mail, Teams, Slack and a hundred other receivers by their URLs.

It takes the environment's proxy; `network` of the configuration does not apply. What must not come in: the message.
"""

import logging
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

MISSING = "the library apprise is not installed: pip install 'chatmart[alerts]'"


def is_installed() -> bool:
    """Return whether the library can be imported, without importing it."""
    return find_spec("apprise") is not None


def notify(urls: Sequence[str], title: str, body: str) -> Iterator[tuple[int, str]]:
    """Send a plain text to each URL. Yield the place of each that did not take it, and the reason without the URL."""
    try:
        import apprise
    except ImportError:
        yield 0, MISSING
        return
    for name in ("apprise", "urllib3"):  # their messages hold addresses, which are secrets
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for number, url in enumerate(urls):
        receiver = apprise.Apprise()
        try:
            is_known = receiver.add(url)
            is_accepted = is_known and receiver.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
        except Exception as error:
            yield number, type(error).__name__  # its text may hold the address
            continue
        if not is_known:
            yield number, "apprise does not know this kind of URL"
        elif not is_accepted:
            yield number, "the receiver did not accept it, or could not be reached"
