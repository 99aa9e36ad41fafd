"""Findings for programs: JSON, SARIF 2.1.0, and GitHub's annotations."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from onetrip.migrations.lint.registry import all_rules
from onetrip.migrations.lint.rule import Finding
from onetrip.version import __version__

_SARIF = {"error": "error", "warning": "warning", "info": "note"}
_GITHUB = {"error": "error", "warning": "warning", "info": "notice"}


def as_json(findings: Sequence[Finding]) -> str:
    """Write a list of objects."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)


def as_sarif(findings: Sequence[Finding]) -> str:
    """Write SARIF: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""
    rules = {rule.id: (rule.title, rule.why) for rule in all_rules()}
    rules |= {each.rule: (each.title, each.why) for each in findings if each.rule not in rules}
    described = [
        {"id": id_, "shortDescription": {"text": title}, "fullDescription": {"text": why}}
        for id_, (title, why) in sorted(rules.items())
    ]
    run = {
        "tool": {"driver": {"name": "onetrip db lint", "semanticVersion": __version__, "rules": described}},
        "results": [_result(finding, sorted(rules).index(finding.rule)) for finding in findings],
    }
    return json.dumps(
        {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]},
        indent=2, ensure_ascii=False,
    )  # fmt: skip


def _result(finding: Finding, index: int) -> Mapping[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _SARIF[finding.level],
        "message": {"text": f"{finding.message}. {finding.why}\n\n{finding.safe}"},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": finding.path}, "region": {"startLine": finding.line or 1},
        }}],
    }  # fmt: skip


def as_github(findings: Sequence[Finding]) -> str:
    """Write annotations: https://docs.github.com/actions/reference/workflow-commands-for-github-actions."""
    return "\n".join(
        f"::{_GITHUB[each.level]} file={_property(each.path)},line={each.line or 1},"
        f"title={_property(f'{each.rule} {each.title}')}::{_data(f'{each.message}. {each.why}')}"
        for each in findings
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "json": as_json, "sarif": as_sarif, "github": as_github,
}  # fmt: skip
"""What `--format` takes, beside text."""
