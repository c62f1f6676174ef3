"""The DDL of the declared star: tables, migrations and views."""
