"""D03: a column that sounds secret, shown to clients."""

import ast
from collections.abc import Iterator

from onetrip.doctor.check import Application, Check, Found
from onetrip.doctor.source import endpoints, names_in
from onetrip.schema.hidden import looks_secret


def _find(application: Application) -> Iterator[Found]:
    for entity, name in application.exposed:
        yield Found(
            application.place(entity, name), f"Resource({entity.__name__}, exposed=…) shows '{name}' to everybody",
            f"Leave '{name}' out of exposed=, or call the column what it is.",
        )  # fmt: skip
    reported = set[str]()
    for endpoint in endpoints(application.sources):
        for name in sorted(names_in(endpoint.answer) if endpoint.answer is not None else ()):
            known = application.classes.get(name)
            if known is None or name in application.entities or name in reported or endpoint.is_response:
                continue
            reported.add(name)
            source, node = known
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    field = statement.target.id
                    if looks_secret(field) and "exclude=True" not in ast.unparse(statement):
                        yield Found(
                            (source.path, statement.lineno),
                            f"{name}.{field} is in the answer of {endpoint.function.name}()",
                            f"Answer with a schema that has no '{field}'.",
                        )


CHECK = Check(
    id="D03",
    title="A secret that is shown",
    why="Whoever may call the endpoint reads hashes, tokens and keys.",
    level="error",
    find=_find,
)
