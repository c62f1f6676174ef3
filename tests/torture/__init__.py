"""The torture: random faults, kills, loads, replays and restatements, judged by the sandbox's truth."""
