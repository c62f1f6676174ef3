"""The warehouse: one star schema, and the stores that hold it.

Here live the declaration of the star, the commit of one account's chunk, its bookkeeping and the views people query.
What must not come in: a provider's name or rule, a request, the orchestrator.
"""
