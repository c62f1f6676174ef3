"""The HTML page: charts, template and style. No query is run here."""
