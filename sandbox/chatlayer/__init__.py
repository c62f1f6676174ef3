"""The simulator of Chatlayer, and the truth of what it answers."""
