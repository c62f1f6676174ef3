"""The warehouse: one star schema, and the stores that hold it.

What lives here: the declaration of the star, the commit of one account's chunk, its books, the views
people query. What must not come in: a provider's name or rule, a request, the orchestrator.
"""
