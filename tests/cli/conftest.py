"""Commands set up logging."""

from tests.telemetry.conftest import restore_log

__all__ = ["restore_log"]
