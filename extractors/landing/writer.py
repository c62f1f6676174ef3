"""The writer of one batch: each answer is in the landing log as soon as it is there, the batch when it is whole.

The meaning of a response is not known here. Layout of the folder: ``extractors.landing.zone``.
"""

import hashlib
from collections.abc import Callable
from contextvars import Token
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from extractors.clock import Clock
from extractors.http.answers import CURRENT_ANSWERS, AnswerStore
from extractors.http.messages import Request, Response
from extractors.instants import parse_date_header
from extractors.landing.account_log import AccountLog
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.body_file import BodyFile
from extractors.landing.erasure import BatchEraser
from extractors.landing.lines import build_answer_fields, build_body_reference, describe_window
from extractors.landing.log_batches import BODIES_NAME, build_batch
from extractors.landing.segments import Place
from extractors.redaction import redact_json

_INLINE_BYTES = 2**20
"""The longest body that stands in a line of the log; a longer one is a file of its own."""


class BatchWriter:
    """Collects the responses of one batch, which nobody sees before ``finish``. A context manager.

    Inside the block it is the store of the answers that the task is given (``extractors.http.answers``).
    """

    def __init__(
        self,
        log: AccountLog,
        key: BatchKey,
        list_landed: Callable[[], list[Batch]],
        clock: Clock,
        eraser: BatchEraser | None = None,
    ) -> None:
        self.log = log
        self._eraser = eraser
        self.key = key
        self.list_landed = list_landed
        """Returns the batches of the same stream that touch the same days, in order of arrival."""
        self._clock = clock
        self._places: list[Place] = []
        self._body_files: list[str] = []
        self._hash = hashlib.sha256()
        self._size = 0
        self._body: BodyFile | None = None
        self._is_body_open = False
        self._is_empty_allowed = False
        self._made_at: list[datetime] = []
        self._data_time: datetime | None = None
        self._is_finished = False
        self._token: Token[AnswerStore | None] | None = None

    def __enter__(self) -> Self:
        self._token = CURRENT_ANSWERS.set(self)
        self.log.begin_batch(self.key)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            CURRENT_ANSWERS.reset(self._token)
        if self._body is not None:
            self._body.discard()
        if isinstance(error, Exception) and not self._is_finished:  # a cancelled batch may be gone on with
            self.log.abandon_batch(self.key)

    @property
    def is_empty(self) -> bool:
        """Whether no response has been added yet."""
        return not self._places

    def recall(self, stream: str, request: Request) -> Response | None:
        """Return the answer that a killed run got to the same request of this batch, once; None without one."""
        return self.log.recall(self.key, stream, request, self._clock.now())

    def record(self, stream: str, response: Response) -> None:
        """Keep an answer before its batch is whole. Raises OSError."""
        if len(response.body) <= _INLINE_BYTES:
            landed = self._erase(response)
            place = self.log.append_answer(self.key, stream, landed)
            response.mark_landed(place, None if landed is response else landed.measure_body())
            return
        body = self._open_body()
        body.write(response.body)
        self._land_body(stream, response, body)

    def _erase(self, response: Response) -> Response:
        """Return a response as it may be landed: without the people whom the account has forgotten."""
        if self._eraser is None:
            return response
        body = b"".join(self._eraser.erase_body([response.body])) if response.body else b""
        request = Request(**self._eraser.erase_description(vars(response.request)))
        headers = self._eraser.erase_description(response.headers)
        context = self._eraser.erase_description(response.context)
        return Response(request, response.status, headers, response.fetched_at, body, context)

    def add(self, response: Response) -> None:
        """Append one response."""
        if response.place is None:
            self.record(self.key.stream, response)
        if response.body_file is not None:
            self._body_files.append(response.body_file)
        self._append(response.place, *response.measure_body(), response)

    def begin_body(self) -> None:
        """Begin a body that is written piece by piece. A body that was begun and not ended is discarded."""
        if self._body is None:
            self._body = self._open_body()
        elif self._is_body_open:
            self._body.restart()
        self._is_body_open = True

    def write(self, piece: bytes) -> None:
        """Append bytes to the body that was begun. Raises ValueError without one."""
        if self._body is None:
            raise ValueError(f"{self.key.where}: a body that was not begun")
        self._body.write(piece)

    def end_body(self, response: Response) -> None:
        """End the body that was begun; ``response`` describes it, and its own ``body`` is ignored. Raises OSError."""
        if self._body is None:
            raise ValueError(f"{self.key.where}: a body that was not begun")
        body, self._body, self._is_body_open = self._body, None, False
        self._land_body(self.key.stream, response, body)
        self.add(response)

    def _open_body(self) -> BodyFile:
        return BodyFile(self.log.root, self.log.folder / BODIES_NAME, str(self.key.window))

    def _land_body(self, stream: str, response: Response, body: BodyFile) -> None:
        """Make a body visible, then the answer that names it. A file that no batch comes to name is pruned."""
        body = self._erase_body(body)
        try:
            landed = self._erase(replace(response, body=b""))
            name = body.finish()
        finally:
            body.discard()
        reference = build_body_reference(name, body.size, body.sha256)
        place = self.log.append(build_answer_fields(self.key, stream, landed, reference))
        response.mark_landed(place, (body.size, bytes.fromhex(body.sha256)), name)

    def _erase_body(self, body: BodyFile) -> BodyFile:
        if self._eraser is None:
            return body
        erased = self._open_body()
        try:
            for piece in self._eraser.erase_body(body.iter_pieces()):
                erased.write(piece)
        except BaseException:
            erased.discard()
            raise
        finally:
            body.discard()
        return erased

    def _append(self, place: Place, size: int, sha256: bytes, response: Response) -> None:
        self._places.append(place)
        self._size += size
        self._hash.update(sha256)
        made_at = parse_date_header(response.headers)
        if made_at is not None:
            self._made_at.append(made_at)
        self.set_data_time(response.fetched_at)

    def mark_empty(self) -> None:
        """Allow the batch to be finished without a response: its window holds nothing to request."""
        self._is_empty_allowed = True

    @property
    def answered_at(self) -> datetime | None:
        """The earliest instant (UTC) at which a response was made, by the providers' own clocks; None if not named."""
        return min(self._made_at, default=None)

    def set_data_time(self, instant: datetime) -> None:
        """Date the batch at ``instant`` (aware), when the provider made the data, if that is before it was fetched."""
        self._data_time = min(instant, self._data_time or instant)

    def finish(
        self,
        fetched_at: datetime,
        *,
        landed_at: datetime | None = None,
        complete: bool = True,
        remarks: dict[str, Any] | None = None,
    ) -> Batch:
        """Make the batch visible.

        ``fetched_at`` is the instant (aware) at which fetching began, ``landed_at`` is now (default: the same).
        ``remarks`` are counts and notes for the manifest. Raises ValueError for a batch without a response or with an
        open body, and OSError when it cannot be written.
        """
        if self._is_body_open or not (self._places or self._is_empty_allowed):
            raise ValueError(f"{self.key.where}: a batch without an answer, or with half of one")
        key, folder = self.key, self.log.folder / BODIES_NAME
        data_time = min(fetched_at, self._data_time or fetched_at).astimezone(UTC)
        line = self.log.append_batch(
            key,
            {
                "provider": key.provider,
                "account": key.account,
                "stream": key.stream,
                "external_id": key.external_id,
                "zone": key.zone,
                "pulled": list(key.enabled_streams),
                "run_began": key.run_started_at.isoformat() if key.run_started_at else None,
                "window": describe_window(key.window),
                "fetched_at": data_time.isoformat(),
                "landed_at": (landed_at or fetched_at).astimezone(UTC).isoformat(),
                "complete": complete,
                "bytes": self._size,
                "sha256": self._hash.hexdigest(),
                "facts": redact_json(remarks or {}),
                "parts": self._places,
                "body_files": self._body_files,
                "body_sizes": [(folder / name).stat().st_size for name in self._body_files],
            },
        )
        self._is_finished = True
        return build_batch(self.log.folder, key.provider, key.account, line)
