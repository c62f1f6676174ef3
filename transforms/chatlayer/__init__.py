"""What the responses of Chatlayer mean."""
