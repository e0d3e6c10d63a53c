"""Every failure a user can meet, with its exit code. The command line prints it and exits; nobody sees a traceback."""

from __future__ import annotations

from typing import ClassVar


class PenstockError(Exception):
    """Base of all expected failures. The message names the thing that is wrong and says what to do."""

    exit_code: ClassVar[int] = 70


class UsageError(PenstockError):
    """The command line itself is wrong."""

    exit_code = 2


class DeadLetterLimitError(PenstockError):
    """Too many records were rejected: the pipeline, not the data, is probably wrong."""

    exit_code = 65


class UnavailableError(PenstockError):
    """A source or sink can't be reached or used: broker down, topic missing, path not writable."""

    exit_code = 69


class InternalError(PenstockError):
    """A bug in Penstock, or a step of the pipeline that failed."""

    exit_code = 70


class GaveUpError(PenstockError):
    """Retries are exhausted: disk full, a sink outage, a source that stays stuck. Safe to restart."""

    exit_code = 75


class PositionError(PenstockError):
    """A partition's position does not fit its source: retention gap, truncation, recreated topic."""

    exit_code = 76


class ConfigError(PenstockError):
    """The configuration, credentials or the table's owner do not fit."""

    exit_code = 78
