"""The simulator of Inkeep. Here is only its declaration, `VENDOR`; the parts have a module each.

This package imports no other vendor.
"""

from sandbox.inkeep import api, populate, truth
from sandbox.inkeep.shapes import InkeepShapes
from sandbox.vendor import SampleAccount, Vendor

VENDOR = Vendor(
    name="inkeep",
    root="/inkeep",
    routes=api.build_routes,
    shapes=InkeepShapes,
    populate=populate.populate_conversation,
    truth=truth.RULES,
    default_streams=("conversations", "conversation_totals"),
    default_ids=lambda _name: {},
    external_id_key=None,
    sample_accounts=(SampleAccount("acme-docs", "UTC"),),
)
