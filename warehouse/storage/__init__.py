"""The stores behind one protocol: a DuckDB file, a lake of Parquet files. No provider and no fact is known here."""
