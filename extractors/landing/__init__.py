"""The landing zone: responses as they came, in batches with a manifest. Nothing is read of what they mean."""
