"""Secrets are named in the file, never written there."""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from penstock.config.section import LocalPath

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def secret_variable(what: str) -> AfterValidator:
    """The name of an environment variable that is set and holds `what`."""

    def check(value: str) -> str:
        # Not quoted back unless it looks like a name: people paste the secret itself here.
        if not _VARIABLE.fullmatch(value):
            raise ValueError(f"not the name of an environment variable; write the name, not the {what} itself")
        if not os.environ.get(value):
            raise ValueError(f"environment variable {value} is not set; it must hold the {what}")
        return value

    return AfterValidator(check)


def secret_file(what: str) -> AfterValidator:
    """The path of a file that is not empty and holds `what`."""

    def check(path: Path) -> Path:
        if not read_text(path).strip("\r\n"):
            raise ValueError(f"{path} is empty; it must hold the {what}")
        return path

    return AfterValidator(check)


def read_text(path: Path) -> str:
    """The file's text. Raises `ValueError` if it has none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file") from None


def read_secret(variable: str | None, path: Path | None) -> str:
    """The secret, read now. Never log it, never keep it. Without the line end a file closes with."""
    if path is not None:
        return read_text(path).rstrip("\r\n")
    return os.environ[variable or ""]


PasswordVariable = Annotated[str, secret_variable("password")]
PasswordFile = Annotated[LocalPath, secret_file("password")]
KeyVariable = Annotated[str, secret_variable("key")]
KeyFile = Annotated[LocalPath, secret_file("key")]
