"""One commit: staged facts, the slices they replace, the restatements that follow, the run that loaded them."""
