"""A local simulator of the five providers: invented conversations over real HTTP, and the truth about them.

Nothing of the other packages comes in: it is an independent reading of the vendors' references.
"""
