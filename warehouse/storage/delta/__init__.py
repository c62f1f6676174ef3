"""The Delta store: the whole star in one Delta table, on a disk or in an object store, whose log is the commit."""
