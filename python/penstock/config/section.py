"""What every section of the file has in common."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from penstock.config.show import show


class Section(BaseModel):
    """Frozen, exact about types, and without unknown keys. Errors never quote the input by themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)


def path_mistake(text: str) -> str | None:
    """What keeps a string from being a local path, if anything."""
    scheme, is_url, _ = text.partition("://")
    if is_url:
        return f"{scheme}:// locations are not available yet in this version; write a local path"
    if text.startswith("~"):
        return f"{show(text)}: ~ is not expanded; write the whole path"
    return None if text.strip() and "\0" not in text else f"{show(text)} is not a path"


def parse_path(value: object) -> Path:
    """A local path; a relative one is relative to the current directory."""
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is not a path; write it in quotes")  # noqa: TRY004
    if mistake := path_mistake(value):
        raise ValueError(mistake)
    return Path(value)


def _not_empty(value: str) -> str:
    if not value.strip():
        raise ValueError(f"{show(value)} is empty")
    return value


LocalPath = Annotated[Path, BeforeValidator(parse_path)]
Text = Annotated[str, AfterValidator(_not_empty)]
