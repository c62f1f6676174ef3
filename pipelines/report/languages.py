"""The English names of languages by their codes. No queries and no HTML belong here."""

from functools import cache


@cache
def name_language(code: str) -> str:
    """Return the name of an ISO 639 code of two or three letters; a code that is not in that list is its own name.

    >>> name_language("pt"), name_language("gsw"), name_language("unknown")
    ('Portuguese', 'Swiss German', 'unknown')
    """
    import pycountry  # imported late: its lists are read for a report that has languages

    languages = pycountry.languages
    entry = languages.get(alpha_2=code) if len(code) == len("pt") else languages.get(alpha_3=code)
    return entry.name.partition(" (")[0] if entry else code  # without notes such as "(macrolanguage)"
