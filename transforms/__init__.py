"""Transformation: landed batches of one account become fact rows of the star.

The modules are pure. They read the batches that they are given and the conforming maps beside them. What must not come
in: a request, a warehouse connection, an orchestrator.
"""
