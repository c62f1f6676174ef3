"""What several commands do on their way: open the workspace, run with progress, print failures."""
