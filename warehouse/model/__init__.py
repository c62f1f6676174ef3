"""The declared star: every table, column, unit and comment. No SQL is run here."""
