"""A local simulator of the five providers: invented conversations over real HTTP, and the truth about them.

It imports nothing of the other packages: it is an independent reading of the vendors' references.
"""
