"""--from and --to of commands that read a range of the documents' topic."""

from __future__ import annotations

from datetime import UTC, datetime

import click


class BoundType(click.ParamType):
    """An offset, or a time in RFC 3339; one without a zone is UTC."""

    name = "offset or time"

    def convert(
        self, value: str | int | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | datetime:
        """Return what `value` says; an error of use where it is neither."""
        if not isinstance(value, str):
            return value
        if value.isdecimal():
            return int(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"found {value!r}, wanted an offset such as 1200, or a time such as "
                "2026-01-31T08:00:00Z",
                param,
                ctx,
            )
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


from_option = click.option(
    "--from",
    "begin",
    type=BoundType(),
    help="First offset (in each partition) or time (RFC 3339, UTC without a zone) of the "
    "documents; without it the oldest ones that the topic holds.",
)
to_option = click.option(
    "--to",
    "end",
    type=BoundType(),
    help="First offset or time that is not in the range any more; without it all there are now.",
)
