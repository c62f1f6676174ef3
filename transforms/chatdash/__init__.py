"""What the responses of ChatDash mean."""
