"""The options and help text of each command, one module per command. Its work is in ``actions``, imported when it runs.

Nothing slow may be imported at the top of a module here: help and completion need these modules.
"""
