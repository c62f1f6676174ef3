"""The simulator of Cognigy, and the truth of what it answers."""
