"""The days whose landed responses cannot be transformed: found by their error, or by transforming each day alone.

Nothing is loaded here, and no request is made.
"""

import tempfile
from collections.abc import Collection
from datetime import date
from pathlib import Path

from extractors.account import Account
from extractors.errors import ShapeError
from pipelines.loads.claims import DayClaims
from transforms.chunk import Chunk, DayClaim
from transforms.registry import transform_chunk


def claim_of_error(error: ShapeError, claims: DayClaims) -> DayClaim | None:
    """Return the claim (batch and days) of the batch that an error names; None when it names none of them."""
    stream_claims = claims.get(error.where.stream or "", ())
    return next((claim for claim in stream_claims if claim.batch.batch_id == error.where.batch), None)


def find_failing_days(
    account: Account, claims: DayClaims, error: ShapeError, staging: Path
) -> list[tuple[tuple[date, ...], ShapeError]]:
    """Return the local days that are the reason of an error that names no batch, in groups with the same error.

    Each claimed day is transformed alone. When none of them fails alone, all of them are returned. ``staging`` is a
    folder for staged files, which are removed again.
    """
    days = sorted({day for stream_claims in claims.values() for claim in stream_claims for day in claim.days})
    failing: dict[str, tuple[list[date], ShapeError]] = {}
    for day in days if len(days) > 1 else ():
        day_error = _find_error(account, day, claims, staging)
        if day_error is not None:
            failing.setdefault(str(day_error), ([], day_error))[0].append(day)
    return [(tuple(group), group_error) for group, group_error in failing.values()] or [(tuple(days), error)]


def _find_error(account: Account, day: date, claims: DayClaims, staging: Path) -> ShapeError | None:
    claims_of_day = {
        stream: tuple(DayClaim(claim.batch, frozenset({day})) for claim in stream_claims if day in claim.days)
        for stream, stream_claims in claims.items()
    }
    with tempfile.TemporaryDirectory(dir=staging) as folder:
        try:
            transform_chunk(Chunk(account, (day,), claims_of_day, Path(folder)))
        except ShapeError as error:
            return error
    return None


def reject_batches(claims: DayClaims, days: Collection[date]) -> None:
    """Mark all batches of some local days, for these days only, so that the next run fetches them again."""
    for stream_claims in claims.values():
        for claim in stream_claims:
            rejected_days = claim.days.intersection(days)
            if rejected_days:
                claim.batch.reject(rejected_days)
