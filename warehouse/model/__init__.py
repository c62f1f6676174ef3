"""The declared star: every table, column, unit and comment. What must not come in: SQL that is run."""
