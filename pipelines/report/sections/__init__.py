"""The sections of the report, a module each: query results in, cards with charts, bars and tables out."""
