"""Where the daemon listens."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

from penstock.config.show import show

EXAMPLE = "127.0.0.1:9464"

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):(?P<port>\d{1,5})", re.ASCII)
_LARGEST_PORT = 65_535


class Address(NamedTuple):
    """Host and port; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """As it is written in the file."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(value: object) -> Address:
    """`"127.0.0.1:9464"`, `"[::1]:9464"`, `"localhost:0"`. No empty host: other machines are let in by writing so."""
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match["port"]) > _LARGEST_PORT:
        raise ValueError(f'{show(value)} is not an address; write host and port, like "{EXAMPLE}"')
    host, port = match["host"].strip("[]"), int(match["port"])
    if not host:
        raise ValueError(
            f'{show(value)} has no host; write "127.0.0.1:{port}", or "0.0.0.0:{port}" for other machines too'
        )
    return Address(host, port)


ListenAddress = Annotated[Address, BeforeValidator(parse_address)]
