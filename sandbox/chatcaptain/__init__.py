"""The simulator of ChatCaptain. Here is only its declaration, `VENDOR`; the parts have a module each.

This package imports no other vendor.
"""

from sandbox.chatcaptain import api, export, populate, truth
from sandbox.chatcaptain.channels import CHATCAPTAIN_CHANNELS
from sandbox.chatcaptain.shapes import ChatcaptainShapes
from sandbox.vendor import SampleAccount, Vendor

VENDOR = Vendor(
    name="chatcaptain",
    root="/chatcaptain",
    routes=api.build_routes,
    shapes=ChatcaptainShapes,
    populate=populate.populate_conversation,
    truth=truth.RULES,
    default_streams=("channels", "overview_report", "channel_report", "inbox", "export"),
    default_ids=lambda name: {"chatbot_id": f"cb-{name}"},
    external_id_key="chatbot_id",
    sample_accounts=(
        SampleAccount("acme-voice", "Europe/Berlin", {"chatbot_id": "c1"}),
        SampleAccount("globex-voice", "America/New_York", {"chatbot_id": "c2"}),
    ),
    channels=CHATCAPTAIN_CHANNELS,
    permissions=frozenset({api.REPORTS, api.EXPORTS}),
    download_routes=export.build_download_routes,
    extra_configuration=lambda host: {"download_hosts": [host], "export_poll_seconds": [0.01, 0.05]},
)
