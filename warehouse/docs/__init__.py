"""Pages made from the declared star: the data dictionary and the diagram."""
