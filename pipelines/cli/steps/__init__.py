"""Steps that several commands share: open the workspace, check it, run with progress, report failures."""
