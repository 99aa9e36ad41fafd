"""D05: a relation that is loaded when it is read, in code that is asynchronous."""

import ast
from collections.abc import Iterator, Mapping

from onetrip.doctor.check import Application, Check, Found
from onetrip.doctor.source import Function, called, functions, names_in, parameters

_LOADERS = frozenset({"selectinload", "joinedload", "subqueryload", "immediateload", "contains_eager"})
_EAGER = frozenset({"selectin", "joined", "subquery", "immediate", True, False})
_ASKED = frozenset(
    {"get", "get_one", "exec", "execute", "scalar", "scalars", "scalar_one", "scalar_one_or_none", "select"}
)


Rows = tuple[str, frozenset[str]]
"""Rows of a class, and the relations that were loaded with them."""


def _find(application: Application) -> Iterator[Found]:
    for source in application.sources:
        for function in functions(source.tree):
            if not isinstance(function, ast.AsyncFunctionDef):
                continue
            held = _rows(function, application)
            for node in ast.walk(function):
                if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
                    continue
                entity, loaded = held.get(node.value.id, ("", frozenset()))
                if (
                    isinstance(node.ctx, ast.Load)
                    and node.attr not in loaded
                    and _is_lazy(application, entity, node.attr)
                ):
                    yield Found(
                        (source.path, node.lineno),
                        f"{function.name}() reads {entity}.{node.attr}, which has not been loaded",
                        f"select({entity}).options(selectinload({entity}.{node.attr})), or with "
                        f"session.get({entity}, …, options=[…]).",
                    )


def _is_lazy(application: Application, entity: str, relation: str) -> bool:
    if not entity:
        return False
    relations = application.entities[entity].relationships
    return relation in relations and relations[relation].lazy not in _EAGER


def _rows(function: Function, application: Application) -> Mapping[str, Rows]:
    """Find the names that hold rows that were asked for, or the statement that asks for them."""
    held: dict[str, Rows] = {}
    for node in ast.walk(function):
        names: list[ast.expr] = []
        value: ast.expr | None = None
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            names, value = node.targets if isinstance(node, ast.Assign) else [node.target], node.value
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            names, value = [node.target], node.iter
        rows = None if value is None else _asked_for(value, application, held)
        held |= {each.id: rows for each in names if isinstance(each, ast.Name) and rows is not None}
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and called(call) == "refresh" and call.args:
            name = ast.unparse(call.args[0])
            entity, loaded = held.get(name, ("", frozenset()))
            constants = {str(each.value) for each in ast.walk(call) if isinstance(each, ast.Constant)}
            held |= {name: (entity, loaded | constants)} if entity else {}
    given = {each.arg for each in parameters(function)}
    return {name: rows for name, rows in held.items() if name not in given}


def _asked_for(node: ast.expr, application: Application, held: Mapping[str, Rows]) -> Rows | None:
    """Say which rows an expression asks a session for; `None` where that cannot be seen."""
    if isinstance(node, ast.Name):
        return held.get(node.id)
    loaded = _loaded(node)
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and call.args and called(call) in _ASKED:
            first = call.args[0]
            if isinstance(first, ast.Name) and first.id in held:
                entity, before = held[first.id]
                return entity, before | loaded
            if isinstance(first, ast.Name | ast.Attribute) and (found := _entity(first, application)):
                return found, loaded
    return None


def _entity(node: ast.Name | ast.Attribute, application: Application) -> str:
    """Answer the class that is meant; none for `User.id`, rows of which have no relations."""
    name = node.id if isinstance(node, ast.Name) else node.attr
    return name if name in application.entities else ""


def _loaded(node: ast.expr) -> frozenset[str]:
    """Name the relations that an expression loads."""
    loaders = (each for each in ast.walk(node) if isinstance(each, ast.Call) and called(each) in _LOADERS)
    return frozenset(name for each in loaders for argument in each.args for name in names_in(argument))


CHECK = Check(
    id="D05",
    title="A relation that cannot be loaded here",
    why="An asynchronous session loads nothing by itself: MissingGreenlet, a 500.",
    level="error",
    find=_find,
)
