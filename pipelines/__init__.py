"""The programs that run the other packages: configuration, loads, the Dagster assets, the report, the commands.

Rules of a provider, a fact or a store must not come in. ``configuration`` ← ``loads`` ← ``orchestration`` and
``report`` ← ``cli``: a package imports only packages that stand left of it. Dagster loads ``definitions``, the only
module that imports ``orchestration``.
"""
