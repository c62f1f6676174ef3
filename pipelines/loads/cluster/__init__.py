"""Loads on the workers of a Dask cluster: the plan of the work, the driver, and the tasks.

The work itself is that of one machine (``pipelines.loads.run``). Only the driver and the tasks import Dask.
"""
