"""Transformation: landed batches of one account to fact rows of the star.

Pure: what a module here may read is the batches it is given and the conforming maps beside it. No request, no
warehouse connection, no orchestrator.
"""
