"""`docs/lint.md`, made from `codes.py`: `python -m penstock.lint.reference > docs/lint.md`."""

from __future__ import annotations

import sys

from penstock.lint.codes import CODES, Severity

HEAD = """\
# Findings of `penstock lint`

Made from `python/penstock/lint/codes.py` by `python -m penstock.lint.reference`; change that file.

```sh
penstock lint pipeline.toml                        # quiet and 0, or findings and 1
penstock lint pipelines/*.toml --output json       # {files, findings: [{file, line, column, severity, code, ...}]}
```

A finding is one line, `file:line:column: error|warning [code]: key: message`, and often a hint below it. Lines and
columns are those of the key, from 1. What came from an environment variable `PENSTOCK__SECTION__KEY` or from `--set`
names that instead. `lint` reads the files that `[source.sasl]` and `[source.tls]` name, and no network.

Codes stay the same from version to version; messages may get better.
"""
TITLES: dict[Severity, str] = {
    "error": "Errors: `penstock run` would refuse the file with the same words",
    "warning": "Warnings: it would run, and you may not like what it does",
}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for severity, title in TITLES.items():
        parts.append(f"\n## {title}\n\n| code | what it means | what to do |\n|---|---|---|\n")
        parts += (
            f"| `{code.name}` | {code.meaning} | {code.remedy} |\n"
            for code in CODES.values()
            if code.severity == severity
        )
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
