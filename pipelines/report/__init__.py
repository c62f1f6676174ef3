"""The report: what the warehouse tells of a period, as one HTML page that needs nothing else.

Data → model → page. ``questions`` asks the published warehouse once; ``period``, ``coverage``, ``totals``,
``conversations``, ``breakdowns``, ``monthly`` and ``trust`` make of the answer what ``model`` declares; ``charts`` and
``page`` draw it. Nothing here writes a file or knows a provider by name, and no number is worked out in the page.
"""
