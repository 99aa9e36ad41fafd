"""What a user should know at start: what is hidden or left out unasked, and what SQL cannot do alone."""

from collections.abc import Iterable, Iterator, Sequence

from onetrip.schema.model import ResourceSchema, Schema, Writes

_OFTEN_TAKEN = ("docs", "redoc")
_METHODS = {"create": ("POST",), "update": ("PATCH", "PUT"), "delete": ("DELETE",), "restore": (":restore",)}


def notes(resources: Iterable[ResourceSchema]) -> Iterator[str]:
    """Say it, a sentence for each fact, with the path of the resource in front."""
    for resource in resources:
        yield from (f"/{resource.name}: {remark}" for remark in _remarks(resource))


def nested_notes(schema: Schema) -> Iterator[str]:
    """Say which bodies take a session for the rows in them."""
    for name, bodies in schema.nested.items():
        inner = dict.fromkeys(f"'{inner.name}'" for body in bodies.values() for inner in body.inner)
        yield f"/{name}: a body with rows of {_listed([*inner])} in it takes a session instead of one statement"


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
    yield from _writes(resource.writes)
    yield from _separate(resource)
    for relation in resource.relations.values():
        if relation.unwritten:
            names = ", ".join(relation.unwritten)
            yield f"the link rows of '{relation.name}' are shown without what SQL cannot write: {names}"
    if resource.name in _OFTEN_TAKEN:
        yield "FastAPI has a page of its own there: give another path=, or include the router with a prefix"


def _writes(writes: Writes) -> Iterator[str]:
    """Say which methods there are not, and which take a session of the ORM."""
    served = {
        "POST": writes.create is not None,
        "PATCH": writes.update is not None,
        "PUT": writes.replace is not None,
        "DELETE": writes.delete,
    }
    if writes.refused is not None:
        yield f"served without {_listed([name for name in served if not served[name]])}, because {writes.refused}"
    served[":restore"] = writes.delete
    for action in writes.hooked:
        names = [getattr(hook, "__name__", type(hook).__name__) for hook in writes.hooks[action]]
        if methods := [name for name in _METHODS[action] if served[name]]:
            calls, takes = ("calls", "takes") if len(methods) == 1 else ("call", "take")
            yield f"{_listed(methods)} {calls} {_listed(names)} first, and {takes} a session only where that uses it"
    sessions = {action: why for action, why in writes.unit_of_work.items() if action not in writes.hooked}
    for reason in dict.fromkeys(sessions.values()):
        actions = [action for action, why in sessions.items() if why == reason]
        methods = [name for action in actions for name in _METHODS[action] if served[name]]
        if methods:
            verb = "takes" if len(methods) == 1 else "take"
            yield f"{_listed(methods)} {verb} a session instead of one statement, because {reason}"


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
