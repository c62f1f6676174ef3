"""The HTML page: charts, template and style. Queries and calculations do not belong here."""
