"""The sections of the report, a module each: queries in, charts and tables out."""
