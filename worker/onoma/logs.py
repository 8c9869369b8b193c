"""Log events: a fixed past-tense message and fields beside it, one JSON object a line on standard
error.

No document text, no name and no secret is ever a field. Faust and aiokafka log through the same
lines; their messages may repeat by the hundred while a broker is away, so equal ones are let
through once in `REPEAT_SECONDS`.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, Literal

import structlog

from onoma.errors import FatalError

REPEAT_SECONDS = 10.0
_FOREIGN = ("aiokafka", "faust", "mode", "asyncio")
_SENDER = "aiokafka.producer.sender"


def configure(*, level: str, format_: Literal["json", "console"]) -> None:
    """Send all log events of this process from `level` up to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if format_ == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_expected_tracebacks,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(_RateLimit())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _FOREIGN:
        foreign = logging.getLogger(name)
        foreign.handlers.clear()
        foreign.propagate = True
        foreign.setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _without_expected_tracebacks(_: Any, __: str, event: Any) -> Any:
    """Keep tracebacks to bugs: a FatalError is a message for a person, and says what to do; what
    aiokafka's sender met reaches whoever waits for the publication.
    """
    exc_info = event.get("exc_info")
    expected = isinstance(exc_info, tuple) and isinstance(exc_info[1], FatalError)
    if expected or (exc_info and event.get("logger") == _SENDER):
        del event["exc_info"]
    return event


class _RateLimit(logging.Filter):
    """Lets an equal message of a library through once in `REPEAT_SECONDS`; ours always."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_FOREIGN):
            return True
        key = (record.name, str(record.msg))
        now = time.monotonic()
        if now - self._seen.get(key, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        if len(self._seen) > 1000:
            self._seen.clear()
        self._seen[key] = now
        return True
