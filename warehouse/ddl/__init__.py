"""What brings a database to the declared star: tables, migrations and views."""
