"""The simulator of Chatlayer. Here is only its declaration, `VENDOR`; the parts have a module each.

This package imports no other vendor.
"""

from sandbox.chatlayer import api, populate, truth
from sandbox.chatlayer.shapes import ChatlayerShapes
from sandbox.vendor import SampleAccount, Secret, Vendor

VENDOR = Vendor(
    name="chatlayer",
    root="/chatlayer",
    routes=api.build_routes,
    shapes=ChatlayerShapes,
    populate=populate.populate_conversation,
    truth=truth.RULES,
    default_streams=(
        "conversations",
        "conversations_by_channel",
        "conversations_by_language",
        "insights",
        "messages",
        "users",
        "intents",
        "team_usage",
        "flow",
    ),
    default_ids=lambda name: {"bot_id": f"bot-{name}"},
    external_id_key="bot_id",
    secrets=(
        Secret("token_id", "ID", "fake-token-{name}"),
        Secret("token_secret", "SECRET", "fake-secret-{name}-not-real"),
    ),
    sample_accounts=(SampleAccount("acme-bot", "UTC", {"bot_id": "b1"}),),
)
