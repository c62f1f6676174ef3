"""Running the others: from a configuration to a loaded warehouse. No rule of a provider, a fact or a store is here.

``configuration`` ← ``loads`` ← ``orchestration`` and ``report`` ← ``cli``: each imports only what stands left of it.
``definitions`` is what Dagster loads; ``orchestration`` is the only package that imports it.
"""
