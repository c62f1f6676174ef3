"""httpx and the transport are loaded when a client is opened: a command that sends nothing does not wait for them."""

import subprocess
import sys

SCRIPT = """
import asyncio, sys
import extractors.http.client, extractors.http.network, extractors.http.session, extractors.registry
print(*sorted(sys.modules.keys() & {"httpx", "httpcore", "h11", "anyio"}))
async def run():
    async with extractors.http.client.Client():
        print("httpx" in sys.modules)
asyncio.run(run())
"""


def test_httpx_is_loaded_with_the_first_client() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "True"]
