"""The command line: arguments, output and exit codes. The commands call the same functions that Dagster runs.

Standard output carries data only; progress, warnings and errors go to standard error. No rule about data lives here.
"""
