"""The simulator of ChatCaptain, and the truth of what it answers."""
