"""`Resource(…, search=["title"])` → the columns that are searched, or a refusal that says why not."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapper

from onetrip.errors import ConfigurationError, nearest
from onetrip.schema.declaration import Resource
from onetrip.schema.mappers import columns_of, is_column
from onetrip.schema.model import Field, ResourceSchema, Search

LANGUAGES = (
    "simple", "arabic", "armenian", "basque", "catalan", "danish", "dutch", "english", "finnish", "french", "german",
    "greek", "hindi", "hungarian", "indonesian", "irish", "italian", "lithuanian", "nepali", "norwegian", "portuguese",
    "romanian", "russian", "serbian", "spanish", "swedish", "tamil", "turkish", "yiddish",
)  # fmt: skip
"""What PostgreSQL knows. `simple` is no language: words are searched as they are."""


def search_of(
    resource: Resource, mapper: Mapper[Any], fields: Mapping[str, Field], language: str, dialect: Dialect
) -> Search | None:
    """Find the columns that are searched. `fields` are those that are shown, by attribute.

    Raises `ConfigurationError` for columns that do not exist, are not shown, or are no text, and for tables of which
    no index can be kept.
    """
    if not resource.search:
        return None
    where = f"Resource({mapper.class_.__name__}, search=…):"
    texts = {prop.key: prop.columns[0] for prop in columns_of(mapper) if _is_searchable(prop, fields)}
    weights = resource.search if isinstance(resource.search, Mapping) else dict.fromkeys(resource.search)
    for attribute in weights:
        if attribute not in texts:
            problem = _problem(attribute, mapper, fields)
            known = nearest(attribute, list(texts)) or (f"There is: {', '.join(texts)}." if texts else "")
            raise ConfigurationError(f"{where} '{attribute}' {problem}. {known}".rstrip())
    table = mapper.persist_selectable
    if not isinstance(table, sa.Table):
        raise ConfigurationError(f"{where} its rows are in several tables, which no index spans. Leave search= out.")
    if not table.dialect_kwargs.get(f"{dialect.name}_with_rowid", True):
        raise ConfigurationError(
            f"{where} the table '{table.name}' is made WITHOUT ROWID, and the index of SQLite knows "
            "rows by their rowid. Make it with one, or leave search= out."
        )
    language = resource.search_language or language
    if language not in LANGUAGES:
        known = nearest(language, LANGUAGES) or f"There is: {', '.join(LANGUAGES)}."
        raise ConfigurationError(f"search_language={language!r} is not a language that can be searched. {known}")
    columns = tuple((texts[attribute], weight) for attribute, weight in weights.items())
    return Search(table=table, columns=columns, language=language)


def refuse_search_clashes(resources: Iterable[ResourceSchema]) -> None:
    """Refuse resources of one table that search it in two ways: there is one index. Raises `ConfigurationError`."""
    known: dict[Any, ResourceSchema] = {}
    for resource in resources:
        if resource.search is None:
            continue
        other = known.setdefault(resource.search.table, resource)
        assert other.search is not None
        if (other.search.columns, other.search.language) != (resource.search.columns, resource.search.language):
            raise ConfigurationError(
                f"{other.title} and {resource.title} are rows of '{resource.search.table.name}', and a table has one "
                "index for searching. Say the same search= and search_language= of both."
            )


def _is_searchable(prop: Any, fields: Mapping[str, Field]) -> bool:
    found = fields.get(prop.key)
    if found is None or not is_column(prop) or prop.columns[0].computed is not None:
        return False
    return bool(found.type.kind == "string" and not found.type.decorated)


def _problem(attribute: str, mapper: Mapper[Any], fields: Mapping[str, Field]) -> str:
    """Say what is wrong with an attribute."""
    if attribute not in mapper.column_attrs:
        return "is not a column of it"
    if attribute not in fields:
        return "is not shown, and searching would tell what is in it. Show it, or leave it out"
    if fields[attribute].type.decorated:
        return "is stored in another form than it is shown in, which cannot be searched"
    if fields[attribute].type.kind != "string":
        return "is not text, and words are searched. Filter by it instead"
    return "is made of other columns: search those"
