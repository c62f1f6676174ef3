"""The simulator of ChatDash, and the truth of what it answers."""
