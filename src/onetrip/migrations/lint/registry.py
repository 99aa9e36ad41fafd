"""All rules: those that lie in the package `rules`, in the order of their names."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from onetrip.migrations.lint import rules
from onetrip.migrations.lint.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """List the rules."""
    names = sorted(module.name for module in iter_modules(rules.__path__))
    return tuple(import_module(f"{rules.__name__}.{name}").RULE for name in names)
