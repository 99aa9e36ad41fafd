"""D04: an endpoint that answers with a table."""

from collections.abc import Iterator

from onetrip.doctor.check import Application, Check, Found
from onetrip.doctor.source import endpoints, names_in
from onetrip.schema.bodies import declared_fields
from onetrip.schema.hidden import looks_secret


def _find(application: Application) -> Iterator[Found]:
    for endpoint in endpoints(application.sources):
        if endpoint.answer is None or endpoint.is_response:
            continue
        for name in sorted(names_in(endpoint.answer) & application.entities.keys()):
            secret = _secrets(application, name)
            shown = f", with {', '.join(secret)}" if secret else ""
            yield Found(
                (endpoint.source.path, endpoint.function.lineno),
                f"{endpoint.function.name}() answers with the table {name}{shown}",
                f"response_model={name}Read, a schema of what clients may see; or 'await api.query({name})…', which "
                "answers as the generated endpoints do.",
                "error" if secret else None,
            )  # fmt: skip


def _secrets(application: Application, name: str) -> list[str]:
    mapper = application.entities[name]
    excluded = {key for key, field in declared_fields(mapper.class_).items() if field.exclude}
    keys = (attribute.key for attribute in mapper.column_attrs)
    return [key for key in keys if looks_secret(key) and key not in excluded]


CHECK = Check(
    id="D04",
    title="A table as an answer",
    why="Every column that the table has or will have is shown, and relations never are.",
    level="warning",
    find=_find,
)
