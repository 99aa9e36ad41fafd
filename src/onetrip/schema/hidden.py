"""What stays in the database: columns that are excluded, named by the user, or called as secrets are.

The one list of names that look secret. Keys are never hidden for their name: they are the addresses of rows.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import ColumnProperty, Mapper

from onetrip.errors import ConfigurationError, nearest
from onetrip.schema import naming
from onetrip.schema.bodies import computed_fields, declared_fields
from onetrip.schema.declaration import Resource
from onetrip.schema.mappers import columns_of, is_reflected
from onetrip.schema.marks import is_deletion

SECRET_WORDS = frozenset(
    {
        "cvc", "cvv", "hash", "hashed", "hashes", "jwt", "otp", "passcode", "passphrase", "pw", "pwd", "salt", "secret",
        "secrets", "ssn", "token", "tokens", "totp",
    }
)  # fmt: skip
"""Words in a column's name for which it is hidden unless exposed by name."""

SECRET_PARTS = (
    "access_key", "api_key", "apikey", "auth_key", "backup_code", "credential", "encryption_key", "master_key",
    "passwd", "password", "private_key", "privatekey", "recovery_code", "secret_key", "secretkey", "security_answer",
    "session_key", "signing_key",
)  # fmt: skip
"""Parts of a column's name, in snake case, for which it is hidden; also where words run together: `passwordhash`."""


def looks_secret(name: str) -> bool:
    """Say whether a name sounds like something that no client should see.

    >>> looks_secret("hashed_password"), looks_secret("apiKey"), looks_secret("hashtag")
    (True, True, False)
    """
    words = naming.snake(name).split("_")
    return not SECRET_WORDS.isdisjoint(words) or any(part in "_".join(words) for part in SECRET_PARTS)


def is_secret(column: Any, *names: str) -> bool:
    """Say whether a column that has these names is hidden for one of them. A key that refers to a shown one is not."""
    if not any(map(looks_secret, names)):
        return False
    referred = [key.target_fullname.rpartition(".")[2] for key in getattr(column, "foreign_keys", ())]
    return not referred or any(map(looks_secret, referred))


@dataclass(frozen=True, slots=True)
class Hidden:
    """Attributes that are not shown, and those of them that are hidden for nothing but their name."""

    attributes: frozenset[str] = frozenset()
    guessed: frozenset[str] = frozenset()


def hidden_of(mapper: Mapper[Any], resource: Resource) -> Hidden:
    """Find what a resource does not show. Raises `ConfigurationError` for names that the class does not have."""
    computed = computed_fields(resource.model)
    columns = columns_of(mapper)
    known = [*(prop.key for prop in columns), *computed, *mapper.relationships.keys()]
    for name in (*resource.hidden, *resource.exposed):
        if name not in known:
            hint = nearest(name, known) or f"It has: {', '.join(sorted(known))}."
            raise ConfigurationError(f"Resource({resource.model.__name__}): there is no '{name}'. {hint}")
    infos = declared_fields(resource.model).items()
    excluded = {name for name, info in infos if info.exclude is True and name in known}
    excluded |= {prop.key for prop in columns if is_deletion(prop.columns[0])}
    guessed = {prop.key for prop in columns if _is_guessed(mapper, prop)}
    guessed |= {name for name in computed if looks_secret(name)}
    guessed -= {*excluded, *resource.hidden, *resource.exposed}
    attributes = guessed | (excluded - set(resource.exposed)) | set(resource.hidden)
    return Hidden(frozenset(attributes), frozenset(guessed))


def _is_guessed(mapper: Mapper[Any], prop: ColumnProperty[Any]) -> bool:
    """Say whether a column is hidden for its name on the class or in the table, or because Python calls it private."""
    column = prop.columns[0]
    if any(part in mapper.primary_key for part in prop.columns):
        return False
    if prop.key.startswith("_") and not is_reflected(mapper):
        return True
    return is_secret(column, prop.key, getattr(column, "name", None) or prop.key)
