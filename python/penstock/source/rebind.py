"""The one way in which aiokafka is changed: a function's copy with other globals, which nobody else notices."""

from __future__ import annotations

import types
from typing import Any


def rebind(function: Any, **names: Any) -> Any:
    """The same function with other values for some of the globals it uses. `ImportError` if it uses them no more."""
    missing = names.keys() - set(function.__code__.co_names)
    if missing:
        raise ImportError(f"aiokafka changed: {function.__qualname__} no longer uses {', '.join(sorted(missing))}")
    rebound = types.FunctionType(
        function.__code__,
        {**function.__globals__, **names},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    rebound.__kwdefaults__ = function.__kwdefaults__
    return rebound
