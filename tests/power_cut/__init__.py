"""Power cuts: the writes and syncs of real commands are recorded, and the disks that a cut could leave are rebuilt.

`python -m tests.power_cut --cuts 200 --store duckdb --seed 1`
"""
