"""Comments that allow a finding: `# migrate: allow M11 reason="…"`, on or above the statement, or for the whole file.

Outside of any function it is for the file. Without a reason it allows nothing; one that meets nothing is told.
"""

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from onetrip.migrations.lint.recorder import Revision
from onetrip.migrations.lint.rule import Finding

ID = "M00"
"""What is wrong with a suppression itself."""

_COMMENT = re.compile(r"#\s*migrate:\s*allow\b(?P<rules>[^\"]*?)(?:reason\s*=\s*\"(?P<reason>[^\"]*)\")?\s*$")
_RULE = re.compile(r"M\d\d\b")
_FORM = '# migrate: allow M11 reason="…"'


@dataclass(frozen=True, slots=True)
class Suppression:
    """A comment, the rules that it allows, and the lines it is for: `None` is the whole file."""

    line: int
    rules: tuple[str, ...]
    reason: str
    lines: range | None


def suppressed(revision: Revision, findings: Sequence[Finding], unasked: Collection[str] = ()) -> Iterator[Finding]:
    """Leave out what is allowed, and add what is wrong with the comments.

    `unasked` are the rules of other databases: a history that serves several allows them all the same.
    """
    comments = list(_read(revision.source))
    used: set[tuple[int, str]] = set()
    for finding in findings:
        allowed = [each for each in comments if each.reason and finding.rule in each.rules and _meets(each, finding)]
        used |= {(each.line, finding.rule) for each in allowed}
        if not allowed:
            yield finding
    for each in comments:
        if not each.rules:
            yield _wrong(revision, each, "The comment names no rule", "error")
        elif not each.reason:
            yield _wrong(
                revision, each, f"{' and '.join(each.rules)} is allowed without a reason, so it is not", "error"
            )
        for rule in each.rules:
            if each.reason and rule not in unasked and (each.line, rule) not in used:
                yield _wrong(revision, each, f"{rule} is allowed here, and nothing is found", "warning")


def _meets(comment: Suppression, finding: Finding) -> bool:
    return comment.lines is None or (finding.line is not None and finding.line in comment.lines)


def _wrong(revision: Revision, comment: Suppression, message: str, level: str) -> Finding:
    return Finding(
        rule=ID, level="error" if level == "error" else "warning", title="Suppression", message=message,
        why="A reviewer reads the reason; a comment that allows nothing would hide the next finding.", safe=_FORM,
        revision=revision.id, path=str(revision.path), line=comment.line,
    )  # fmt: skip


def _read(source: str) -> Iterator[Suppression]:
    tree = ast.parse(source)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and (found := _COMMENT.match(token.string)):
            line = token.start[0]
            rules = tuple(_RULE.findall(found["rules"]))
            yield Suppression(line, rules, (found["reason"] or "").strip(), _lines(tree, line))


def _lines(tree: ast.Module, line: int) -> range | None:
    """Find the statement that a comment is on, or above; in a function, else it is for the file."""
    if not any(isinstance(node, ast.FunctionDef) and node.lineno <= line <= _end(node) for node in tree.body):
        return None
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    on = [node for node in statements if node.lineno <= line <= _end(node) and not hasattr(node, "body")]
    heads = [node for node in statements if hasattr(node, "body") and node.lineno == line]
    after = sorted((node for node in statements if node.lineno > line), key=lambda node: node.lineno)
    chosen = (on or heads or after)[:1]
    return range(chosen[0].lineno, _end(chosen[0]) + 1) if chosen else range(line, line + 1)


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
