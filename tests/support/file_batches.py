"""Batches in two files each, as earlier releases landed them. No expectations."""

import hashlib
import json
from datetime import UTC, datetime

import zstandard

from extractors.landing.batch import Batch, BatchKey, name_arrival
from extractors.landing.zone import LandingZone
from tests.support.sample_batches import AT, REQUEST, build_key


def land_in_files(
    zone: LandingZone,
    *bodies: bytes,
    at: datetime = AT,
    number: int = 0,
    key: BatchKey | None = None,
    complete: bool = True,
) -> Batch:
    """Write the two files of a batch and return it. A ``number`` of 0 is that of the first releases: none."""
    key = key or build_key()
    folder = zone.file_folder(key.provider, key.account, key.stream)
    zone.make_folder(folder)
    content_hash = hashlib.sha256(b"".join(bodies)).hexdigest()
    arrival = name_arrival(key.window, number, at, content_hash[:16])
    offsets = [sum(map(len, bodies[:position])) for position in range(len(bodies))]
    parts = [
        {
            "asked": {"method": REQUEST.method, "path": REQUEST.path, "query": dict(REQUEST.query), "body": None},
            "context": {"number": position},
            "status": 200,
            "headers": {"content-type": "application/json"},
            "fetched_at": at.isoformat(),
            "offset": offset,
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        for position, (offset, body) in enumerate(zip(offsets, bodies, strict=True))
    ]
    manifest = {
        "provider": key.provider,
        "account": key.account,
        "stream": key.stream,
        "external_id": key.external_id,
        "zone": key.zone,
        "pulled": list(key.enabled_streams),
        "run_began": key.run_started_at.isoformat() if key.run_started_at else None,
        "window": [key.window.start.isoformat(), key.window.end.isoformat()],
        "fetched_at": at.astimezone(UTC).isoformat(),
        "landed_at": at.astimezone(UTC).isoformat(),
        "complete": complete,
        "bytes": sum(map(len, bodies)),
        "sha256": content_hash,
        "facts": {},
        "parts": parts,
    }
    (folder / f"{key.window}.{content_hash[:16]}.zst").write_bytes(zstandard.compress(b"".join(bodies)))
    (folder / f"{arrival}.json").write_text(json.dumps(manifest))
    [batch] = [
        batch
        for batch in zone.list_batches(key.provider, key.account, key.stream, key.window)
        if batch.arrival_name == arrival
    ]
    return batch
