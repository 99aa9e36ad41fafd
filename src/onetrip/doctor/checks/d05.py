"""D05: a relation that is loaded when it is read, in code that is asynchronous."""

import ast
from collections.abc import Iterator, Mapping

from onetrip.doctor.check import Application, Check, Found
from onetrip.doctor.source import Function, called, functions, names_in, parameters

_LOADERS = frozenset({"selectinload", "joinedload", "subqueryload", "immediateload", "contains_eager"})
_EAGER = frozenset({"selectin", "joined", "subquery", "immediate", True, False})
_ASKED = frozenset({"get", "get_one", "exec", "execute", "scalar", "scalars", "scalar_one", "scalar_one_or_none"})


def _find(application: Application) -> Iterator[Found]:
    for source in application.sources:
        for function in functions(source.tree):
            if isinstance(function, ast.AsyncFunctionDef):
                held, loaded = _rows(function, application), _loaded(function)
                for node in ast.walk(function):
                    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
                        continue
                    entity, relation = held.get(node.value.id), node.attr
                    if entity is None or relation in loaded or not isinstance(node.ctx, ast.Load):
                        continue
                    if _is_lazy(application, entity, relation):
                        yield Found(
                            (source.path, node.lineno),
                            f"{function.name}() reads {entity}.{relation}, which has not been loaded",
                            f"select({entity}).options(selectinload({entity}.{relation})), or with "
                            f"session.get({entity}, …, options=[…]).",
                        )


def _is_lazy(application: Application, entity: str, relation: str) -> bool:
    relations = application.entities[entity].relationships
    return relation in relations and relations[relation].lazy not in _EAGER


def _rows(function: Function, application: Application) -> Mapping[str, str]:
    """Find the names that hold rows that were asked for, and of which class."""
    held: dict[str, str] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            entity = _asked_for(node.value, application, held)
            held |= {each.id: entity for each in targets if isinstance(each, ast.Name) and entity is not None}
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension) and isinstance(node.target, ast.Name):
            entity = _asked_for(node.iter, application, held)
            held |= {node.target.id: entity} if entity is not None else {}
    given = {each.arg for each in parameters(function)}
    return {name: entity for name, entity in held.items() if name not in given}


def _asked_for(node: ast.expr, application: Application, held: Mapping[str, str]) -> str | None:
    """Say rows of which class an expression asks a session for; `None` where that cannot be seen."""
    if isinstance(node, ast.Name):
        return held.get(node.id)
    for call in ast.walk(node):
        name = called(call)
        if isinstance(call, ast.Call) and call.args and (name in _ASKED or name == "select"):
            found = names_in(call.args[0]) & application.entities.keys()
            first = call.args[0]
            if (
                isinstance(first, ast.Name | ast.Attribute)
                and found
                and called(first) == ""
                and _is_entity(first, found)
            ):
                return next(iter(found))
            if isinstance(first, ast.Name) and first.id in held:
                return held[first.id]
    return None


def _is_entity(node: ast.expr, names: set[str]) -> bool:
    """Leave `select(User.id)` out, whose rows have no relations."""
    return (node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")) in names


def _loaded(function: Function) -> set[str]:
    """Name the relations that the function loads itself."""
    found = set[str]()
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and called(node) in _LOADERS:
            found |= {name for argument in node.args for name in names_in(argument)}
        elif isinstance(node, ast.Call) and called(node) == "refresh":
            found |= {str(each.value) for each in ast.walk(node) if isinstance(each, ast.Constant)}
    return found


CHECK = Check(
    id="D05",
    title="A relation that cannot be loaded here",
    why="An asynchronous session loads nothing by itself: MissingGreenlet, a 500.",
    level="error",
    find=_find,
)
