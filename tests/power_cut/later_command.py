"""Run the command some days later: `python -m tests.power_cut.later_command 40 maintain`."""

import sys
from datetime import UTC, datetime, timedelta

from extractors.clock import SYSTEM_CLOCK
from pipelines.cli.main import main

if __name__ == "__main__":
    ahead = timedelta(days=int(sys.argv[1]))
    object.__setattr__(SYSTEM_CLOCK, "now", lambda: datetime.now(UTC) + ahead)
    main(sys.argv[2:])
