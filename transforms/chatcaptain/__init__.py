"""What the responses of ChatCaptain mean."""
