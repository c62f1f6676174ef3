"""Import the whole program once, as it runs by itself, in the server from which the commands of a torture are forked.

Imported by that server only: a test's own process keeps numpy and pandas.
"""

# ruff: noqa: E402, F401 - what follows must be imported after the first call

from pipelines.cli.startup import leave_out_unused_libraries

leave_out_unused_libraries()

import extractors.exports.download
import extractors.http.direct_transport
import extractors.http.httpx_client
import extractors.landing.merge
import extractors.landing.zone
import pipelines.cli.actions.load
import pipelines.cli.actions.maintain
import pipelines.cli.actions.replay
import pipelines.cli.actions.status
from extractors.registry import PROVIDERS, get_account_model, get_provider
from transforms.registry import get_transform

for _name in PROVIDERS:
    get_account_model(_name), get_provider(_name), get_transform(_name)
