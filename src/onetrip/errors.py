"""The error tree: everything that onetrip refuses, and how it is said.

    OnetripError                    start-up and programming errors: one sentence, no status
    ├─ ConfigurationError           tables, targets, settings and drivers that cannot be served
    └─ Problem                      an answer to a client (RFC 9457), raised by any stage of a request
       ├─ BadRequest            400 bytes that cannot be read
       ├─ NotFound              404
       ├─ MethodNotAllowed      405
       ├─ NotAcceptable         406
       ├─ Conflict              409 against what is stored
       ├─ PreconditionFailed    412 the row is not what the client last saw
       ├─ BodyTooLarge          413
       ├─ UriTooLong            414
       ├─ UnsupportedMediaType  415
       ├─ Invalid               422 understood, but not valid
       ├─ PreconditionRequired  428
       ├─ Broken                500 stored data that cannot be written as JSON
       └─ Unavailable           503 the database is away, busy or too slow

Leaf module: it imports nothing of onetrip, and knows neither HTTP framework nor database. No message holds SQL,
constraint text or a secret; messages quote what the client wrote and say what to write instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

Location = tuple[str | int, ...]
"""Where in a request something stands, as FastAPI writes it: `("query", "limit")`, `("path", "id")`."""


class OnetripError(Exception):
    """Anything that onetrip itself raises."""


class ConfigurationError(OnetripError):
    """Something that cannot be served as it is declared. The message says what, where, and the remedy."""


@dataclass(frozen=True, slots=True)
class ErrorItem:
    """One thing that is wrong with a request: where it stands, a sentence, and a stable machine-readable type."""

    loc: Location
    msg: str
    type: str


class Problem(OnetripError):
    """An answer that says no: an RFC 9457 problem with FastAPI's list of errors.

    `detail` is one sentence for a person, `hint` what to do instead, `headers` go out with the answer.
    """

    status = 500
    title = "Internal Server Error"
    slug = "internal"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[ErrorItem] = (),
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.hint = hint
        self.headers = dict(headers or {})


class BadRequest(Problem):
    """The request's bytes cannot be read (not UTF-8, a broken escape)."""

    status, title, slug = 400, "Bad Request", "bad-request"


class NotFound(Problem):
    """There is no such row, or none that the caller may see."""

    status, title, slug = 404, "Not Found", "not-found"


class MethodNotAllowed(Problem):
    """The path exists, this method does not. `Allow` names those that do."""

    status, title, slug = 405, "Method Not Allowed", "method-not-allowed"


class NotAcceptable(Problem):
    """The client accepts no form in which this can be written."""

    status, title, slug = 406, "Not Acceptable", "not-acceptable"


class Conflict(Problem):
    """The change contradicts what is stored: a value that is taken, a row that others refer to."""

    status, title, slug = 409, "Conflict", "conflict"


class PreconditionFailed(Problem):
    """The row is not what the client last saw (`If-Match`, `If-None-Match`)."""

    status, title, slug = 412, "Precondition Failed", "precondition-failed"


class BodyTooLarge(Problem):
    """The body is longer than the server reads."""

    status, title, slug = 413, "Content Too Large", "content-too-large"


class UriTooLong(Problem):
    """The query string is longer than the server reads."""

    status, title, slug = 414, "URI Too Long", "uri-too-long"


class UnsupportedMediaType(Problem):
    """The body is of a type that is not read here."""

    status, title, slug = 415, "Unsupported Media Type", "unsupported-media-type"


class PreconditionRequired(Problem):
    """This resource is only changed with `If-Match`."""

    status, title, slug = 428, "Precondition Required", "precondition-required"


class Invalid(Problem):
    """The request is understood and not valid; `errors` lists every reason."""

    status, title, slug = 422, "Unprocessable Content", "invalid"

    @classmethod
    def of(cls, items: Sequence[ErrorItem], hint: str | None = None) -> "Invalid":
        """Make one problem of one or many items; the first one is the detail, and the others are counted."""
        detail, more = items[0].msg, len(items) - 1
        if more:
            others = "is 1 more error" if more == 1 else f"are {more} more errors"
            detail = f"{detail.removesuffix('.')}. There {others}."
        return cls(detail, errors=items, hint=hint)

    @classmethod
    def at(cls, loc: Location, msg: str, type: str = "value_error", hint: str | None = None) -> "Invalid":
        """Make a problem of a single thing that is wrong at `loc`."""
        return cls.of([ErrorItem(loc, msg, type)], hint)


class Broken(Problem):
    """What is stored cannot be written as its type says. The only 500 that onetrip raises itself."""

    status, title, slug = 500, "Internal Server Error", "unreadable-data"


class Unavailable(Problem):
    """The database is away, busy or too slow; `Retry-After` says when to come back (seconds)."""

    status, title, slug = 503, "Service Unavailable", "unavailable"

    def __init__(self, detail: str, *, hint: str | None = None, retry_after: int = 1) -> None:
        super().__init__(detail, hint=hint, headers={"Retry-After": str(retry_after)})


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Say which of the known names was probably meant, if one is near enough to say so.

    >>> nearest("titel", ["id", "title"])
    "Did you mean 'title'?"
    """
    close = get_close_matches(name[:100], known, n=1, cutoff=0.6)
    return f"Did you mean '{close[0]}'?" if close else None
