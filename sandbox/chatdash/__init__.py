"""The simulator of ChatDash. Here is only its declaration, `VENDOR`; the parts have a module each.

This package imports no other vendor.
"""

from sandbox.chatdash import api, populate, truth
from sandbox.chatdash.shapes import ChatdashShapes
from sandbox.vendor import SampleAccount, Vendor

VENDOR = Vendor(
    name="chatdash",
    root="/chatdash/v1/public",
    routes=api.build_routes,
    shapes=ChatdashShapes,
    populate=populate.populate_conversation,
    truth=truth.RULES,
    default_streams=("analytics",),
    default_ids=lambda name: {"project_id": f"p_{name}"},
    external_id_key="project_id",
    sample_accounts=(SampleAccount("acme-sales", "Europe/Berlin", {"project_id": "p_1"}),),
)
