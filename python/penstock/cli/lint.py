"""`penstock lint`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.output import output_option, set_option, show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.config.finding import Finding

EPILOG = """\b
Examples:
  penstock lint pipeline.toml
  penstock lint pipelines/*.toml --output json
  penstock lint pipeline.toml --set pipeline.memory_limit=64MiB
"""
FOUND = 1
HINT = "\n    hint: "


@click.command(epilog=EPILOG)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@set_option
@output_option
@click.pass_context
def lint(context: click.Context, files: Sequence[Path], flags: Sequence[str], *, output: str) -> None:
    """Check pipeline files without touching a network.

    Quiet if nothing is found. Else exits 1, after one line per finding: file:line:column, error or warning, its code,
    and what to do. docs/lint.md lists the codes.
    """
    from penstock.lint.codes import CODES  # noqa: PLC0415 - keeps `--help` fast
    from penstock.lint.lint import lint as check  # noqa: PLC0415

    findings = check(files, flags)
    severities = {name: code.severity for name, code in CODES.items()}
    if output == "json":
        show({"files": [str(file) for file in files], "findings": [_fields(f, severities) for f in findings]}, output)
    else:
        # A variable that is wrong is wrong for every file, and told once.
        for line in dict.fromkeys(_line(finding, severities[finding.code]) for finding in findings):
            click.echo(line)
    if findings:
        context.exit(FOUND)


def _line(finding: Finding, severity: str) -> str:
    hint = f"{HINT}{finding.hint}" if finding.hint else ""
    return f"{finding.place}: {severity} [{finding.code}]: {finding.text}{hint}"


def _fields(finding: Finding, severities: Mapping[str, str]) -> dict[str, object]:
    place = finding.place
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "origin": place.origin,
        "severity": severities[finding.code],
        "code": finding.code,
        "key": finding.key,
        "message": finding.message,
        "hint": finding.hint,
    }
