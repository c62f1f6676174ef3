"""The simulator of Inkeep, and the truth of what it answers."""
