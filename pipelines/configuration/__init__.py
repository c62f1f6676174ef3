"""The configuration file: its keys, reading, validating and writing it. Loads must not come in."""
