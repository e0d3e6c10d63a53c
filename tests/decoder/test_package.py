"""What `import penstock` gives, and what it costs."""

from __future__ import annotations

import doctest
import subprocess
import sys

import pytest

import penstock
from penstock.decode import decoder, inferred


def test_importing_penstock_imports_nothing_else() -> None:
    """The program starts as fast as before; what is asked for is imported then."""
    script = (
        "import sys, penstock\n"
        "early = {'penstock._native', 'pydantic', 'pyarrow'} & set(sys.modules)\n"
        "penstock.Decoder({'a': 'int64'}).decode([b'{}'])\n"
        "print(early, 'pydantic' in sys.modules, 'pyarrow' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr) == ("set() True False\n", "")


def test_every_public_name_is_there() -> None:
    """And no other."""
    for name in penstock.__all__:
        assert getattr(penstock, name).__name__ == name
    assert set(penstock.__all__) <= set(dir(penstock))
    with pytest.raises(AttributeError, match="module 'penstock' has no attribute 'Encoder'"):
        penstock.Encoder  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("module", [decoder, inferred])
def test_the_examples_in_docstrings_are_true(module: object) -> None:
    """They print what they say."""
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted > 0
    assert found.failed == 0
