"""What a user should know at start: what is hidden or left out unasked, and which answers Python writes."""

from collections.abc import Iterable, Iterator

from onetrip.schema.model import ResourceSchema

_OFTEN_TAKEN = ("docs", "redoc")


def notes(resources: Iterable[ResourceSchema]) -> Iterator[str]:
    """Say it, a sentence for each fact, with the path of the resource in front."""
    for resource in resources:
        yield from (f"/{resource.name}: {remark}" for remark in _remarks(resource))


def _separate(resource: ResourceSchema) -> Iterator[str]:
    """Say which rows are changed one by one after all."""
    for action in ("update", "delete"):
        if resource.writes.bulk is not None and action in resource.writes.unit_of_work:
            reason = resource.writes.unit_of_work[action]
            yield f"rows that filters choose are not {action}d together, because {reason}"


def _remarks(resource: ResourceSchema) -> Iterator[str]:
    private = [name for name in resource.guessed_secrets if name.startswith("_")]
    secret = [name for name in resource.guessed_secrets if name not in private]
    for found, quality in ((secret, "looks secret"), (private, "is private")):
        if found:
            yield f"hidden, because the name {quality}: {', '.join(found)} (show it with exposed=[…])"
    if resource.view.python:
        yield f"written in Python, because {resource.view.python}"
    yield from _separate(resource)
    for relation in resource.relations.values():
        if relation.unwritten:
            names = ", ".join(relation.unwritten)
            yield f"the link rows of '{relation.name}' are shown without what SQL cannot write: {names}"
    if resource.name in _OFTEN_TAKEN:
        yield "FastAPI has a page of its own there: give another path=, or include the router with a prefix"
