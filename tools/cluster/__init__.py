"""A cluster on one machine, for the demo, the benchmarks and the tests. Nothing of it is installed."""
