"""How values, tables and progress look on a terminal and in a file."""
