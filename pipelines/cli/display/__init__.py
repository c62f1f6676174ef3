"""Format values, tables and progress for a terminal or a file."""
