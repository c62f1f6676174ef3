"""The version of this program that the ledger holds with every slice. Only loads need it: looking it up is slow."""

from importlib.metadata import version

CODE_VERSION = version("chatmart")
