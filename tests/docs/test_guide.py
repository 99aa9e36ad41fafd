"""Every topic of a reference of this stack has an example in the guide, and the example is executed."""

import re

import pytest

from tests.docs.markdown import ROOT, blocks, cells

GUIDE = ROOT / "docs" / "guide"
TOPICS = {
    "models": "SQLModel basics, field types, constraints, table configuration, request/response models, computed "
    "fields, JSON fields, UUID keys, composite primary keys",
    "relationships": "one-to-many, one-to-one, many-to-many relationships, cascade deletes, self-referential "
    "relationships, lazy vs eager loading, association object pattern",
    "sessions": "database engine setup, session management, FastAPI dependency injection, connection pooling, async "
    "sessions, multiple databases, transaction control",
    "crud": "create, read, update, delete operations, bulk operations, upsert patterns, soft deletes, transaction "
    "patterns, FastAPI endpoint integration",
    "queries": "where clauses, ordering, pagination, aggregations, joins, subqueries, dynamic filtering, full-text "
    "search, JSON queries, window functions, exists queries",
    "migrations": "Alembic setup and configuration, creating and applying migrations, migration operations, data "
    "migrations, branching and merging, production workflow, FastAPI integration",
    "testing": "test database setup, FastAPI TestClient integration, testing CRUD operations, testing relationships, "
    "fixtures, parametrized tests, database isolation, coverage",
    "performance": "connection pooling optimization, query optimization, N+1 problem solutions, indexing strategies, "
    "bulk operations, pagination best practices, caching, read replicas, batch processing",
    "integration": "FastAPI project structure, application lifespan, router implementation, custom dependencies, "
    "response models with relationships, error handling, middleware, background tasks, WebSocket "
    "integration",
    "advanced": "transaction management, nested transactions, cascading deletes, soft deletes, event listeners, "
    "optimistic locking, database constraints, custom field types, security best practices, monitoring "
    "and logging",
}  # fmt: skip
"""The reference of ten files, as the tutorials have it: each file, and what it is about."""

LINK = re.compile(r"\[(?P<heading>.+)\]\((?P<page>\w+)\.md#(?P<anchor>[\w-]+)\)")

COMMAND = re.compile(r"^\$ (curl|onetrip) ", re.MULTILINE)


@pytest.mark.parametrize("file", TOPICS)
def test_every_topic_has_an_example(file: str) -> None:
    """The map has a row for each, in the order of the reference, that leads to something that is run."""
    rows = cells("guide/index.md", file)
    assert [topic for topic, _ in rows] == TOPICS[file].split(", ")
    page = GUIDE / f"{file}.md"
    text = page.read_text(encoding="utf-8")
    run = {block.line for block in blocks(page, "python", "http", "table")}
    run |= {block.line for block in blocks(page, "console") if COMMAND.search(block.text)}
    for topic, example in rows:
        link = LINK.fullmatch(example)
        assert link is not None and link["page"] == file, topic
        begin = text.index(f"\n## {link['heading']}\n") + 1
        end = text.find("\n## ", begin)
        first, last = (text.count("\n", 0, place) + 1 for place in (begin, end if end > 0 else len(text)))
        assert run & set(range(first, last + 1)), f"nothing is executed for '{topic}'"


def test_no_example_stands_for_two_topics() -> None:
    """Each topic has one of its own."""
    examples = [example for file in TOPICS for _, example in cells("guide/index.md", file)]
    assert len(examples) == len(set(examples)) == 86
