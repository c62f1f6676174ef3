"""The configuration file: what may stand in it, reading and checking it, writing one. Nothing is loaded here."""
