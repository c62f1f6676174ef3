"""The report: a period of the published warehouse as one self-contained HTML page.

Data → model → page. ``queries`` reads the published warehouse once; ``period``, ``coverage``, ``build`` and
``sections`` turn the rows into the classes of ``model``; ``page`` draws them. No module here writes a file or knows a
provider by name, and the page computes no numbers.
"""
