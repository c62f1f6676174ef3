"""The command line: arguments, output and exit codes. What the commands do is done by the code that Dagster runs too.

Standard output carries data only; progress, warnings and errors go to standard error.
"""
