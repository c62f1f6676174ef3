"""The member that a provider does not name, for packages that write SQL and need no table."""

UNKNOWN = "unknown"
"""The natural key of a dimension's row 0: the member that a provider does not name."""
