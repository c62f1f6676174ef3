"""The simulator of Cognigy. Here is only its declaration, `VENDOR`; the parts have a module each.

This package imports no other vendor.
"""

from sandbox.cognigy import api, populate, truth
from sandbox.cognigy.shapes import CognigyShapes
from sandbox.vendor import SampleAccount, Vendor

VENDOR = Vendor(
    name="cognigy",
    root="/cognigy/new",
    routes=api.build_routes,
    shapes=CognigyShapes,
    populate=populate.populate_conversation,
    truth=truth.RULES,
    default_streams=("conversation_counter",),
    default_ids=lambda name: {"project_id": (name.encode().hex() + "5f0c2f4e8a1b2c3d4e5f6a7b")[:24]},
    external_id_key="project_id",
    sample_accounts=(
        SampleAccount("acme-support", "Europe/Berlin", {"project_id": "5f0c2f4e8a1b2c3d4e5f6a7b"}),
        SampleAccount("globex-support", "America/New_York", {"project_id": "6a1b2c3d4e5f6a7b8c9d0e1f"}),
    ),
)
