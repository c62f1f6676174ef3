"""What the responses of Cognigy mean."""
