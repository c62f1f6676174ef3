"""What the responses of Inkeep mean."""
