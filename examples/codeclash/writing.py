"""What the sample rows are made of: names, subjects, sentences.

Every subject has things that are true of it, so that a post reads as somebody's notes and not as filler.
"""

from dataclasses import dataclass

FIRST = (
    "Ada", "Amir", "Anouk", "Aoife", "Bastian", "Bea", "Bruno", "Carla", "Chidi", "Clara", "Dana", "Dario", "Devi",
    "Edda", "Elias", "Emre", "Farah", "Felix", "Femi", "Freya", "Gita", "Goran", "Hana", "Hugo", "Ines", "Ivo",
    "Jana", "Jiro", "Jonas", "Kaja", "Kemal", "Lena", "Linh", "Luca", "Maja", "Malik", "Mara", "Mei", "Milo",
    "Nadia", "Nico", "Nils", "Noor", "Omar", "Oona", "Pablo", "Petra", "Priya", "Quinn", "Rafa", "Rosa", "Sami",
    "Selma", "Sven", "Tara", "Theo", "Uma", "Vera", "Yara", "Zoe",
)  # fmt: skip

LAST = (
    "Abbott", "Bakker", "Becker", "Castro", "Conti", "Costa", "Dietrich", "Duarte", "Eriksen", "Farkas", "Fischer",
    "Garcia", "Haddad", "Hansen", "Horvat", "Ibrahim", "Ito", "Jansen", "Jensen", "Kaya", "Keller", "Kowalski",
    "Kumar", "Larsen", "Lindqvist", "Marino", "Meyer", "Moreau", "Nakamura", "Novak", "Nowak", "Okafor", "Olsen",
    "Park", "Pereira", "Petrov", "Popescu", "Quist", "Ramos", "Rossi", "Sato", "Schmidt", "Silva", "Sorensen",
    "Tanaka", "Thomsen", "Vargas", "Virtanen", "Weber", "Yilmaz",
)  # fmt: skip

WORK = (
    "backend developer", "data engineer", "platform engineer", "student of computer science", "freelancer",
    "team lead", "site reliability engineer", "full-stack developer", "maintainer of two small libraries",
    "teacher who writes code at night",
)  # fmt: skip

LIKES = (
    "PostgreSQL", "type checkers", "small programs", "long walks", "mechanical keyboards", "old terminals", "bread",
    "boring technology", "property-based tests", "reading other people's code", "cycling", "good error messages",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to write about, and sentences that hold for it."""

    name: str
    facts: tuple[str, ...]


SUBJECTS = (
    Subject("FastAPI dependencies", (
        "A dependency is an ordinary function, so it can be tested without a server.",
        "The same dependency runs once per request however many others ask for it.",
        "`app.dependency_overrides` swaps the real thing for a fake one in a single line.",
        "Code after `yield` runs when the request is over, which is late for a commit.",
        "An annotated alias says the dependency once and keeps signatures short.",
    )),
    Subject("SQLModel relationships", (
        "`back_populates` needs the name of the attribute on the other side, not of the class.",
        "A lazy attribute that is read in an async endpoint ends in MissingGreenlet.",
        "Two foreign keys to one table need `foreign_keys` to tell them apart.",
        "The link table of a many-to-many relation may carry columns of its own.",
        "The list on one side is filled when the other side is set, before any flush.",
    )),
    Subject("PostgreSQL indexes", (
        "A foreign key does not get an index by itself; the referenced key does.",
        "A partial index over the rows one asks for is smaller than the table it serves.",
        "Column order matters: equality first, then the column of the range or the sort.",
        "`CREATE INDEX CONCURRENTLY` does not block writers, and cannot run in a transaction.",
        "An index that no plan uses still has to be written on every insert.",
    )),
    Subject("keyset pagination", (
        "OFFSET reads and throws away every row before the page.",
        "Rows move between pages when something is inserted while a client turns them.",
        "The order has to be total, so the primary key belongs at its end.",
        "A cursor should be opaque, or clients will build their own.",
        "Row comparison, `(created_at, id) < (x, y)`, says it in one condition.",
    )),
    Subject("asyncio", (
        "One blocking call stops every request that shares the event loop.",
        "A task that nobody holds a reference to may be collected before it ends.",
        "`asyncio.timeout` cancels what is inside, and cleanup has to survive that.",
        "A TaskGroup waits for its children, so no error is lost on the way.",
        "Cancellation is an exception: `except Exception` lets it pass, and should.",
    )),
    Subject("Alembic migrations", (
        "Autogenerate compares models with a database, and cannot know a rename from a drop.",
        "A NOT NULL column on a full table needs a default or two deployments.",
        "One branch with two heads is found in CI, not in production.",
        "Batch mode copies the table, because SQLite cannot alter most things in place.",
        "A migration that has shipped is history: the next one undoes it.",
    )),
    Subject("Pydantic models", (
        "Unset and null are different answers, and `exclude_unset` keeps them apart.",
        "`model_validate` with `from_attributes` reads an object as if it were a dict.",
        "A Decimal travels as a string, so that no client rounds it.",
        "Strict mode refuses the string that lax mode would have turned into a number.",
        "A discriminated union finds the right model without trying them all.",
    )),
    Subject("SQLite in production", (
        "Write-ahead logging lets readers go on while somebody writes.",
        "There is one writer at a time, and `busy_timeout` says how long the others wait.",
        "Foreign keys are off until a connection asks for them.",
        "`BEGIN IMMEDIATE` takes the write lock before the first read, not in the middle.",
        "A backup is one file, taken with the backup API while the program runs.",
    )),
    Subject("type hints", (
        "A Protocol describes what is needed and leaves the class hierarchy alone.",
        "`Any` is contagious; one of them at the edge is enough to lose the rest.",
        "Frozen dataclasses make it plain which code may change what.",
        "`assert_never` turns a forgotten case into an error of the type checker.",
        "Annotations are documentation that cannot go stale unnoticed.",
    )),
    Subject("testing APIs", (
        "A test against the real database finds what a mock agrees with.",
        "Counting statements in a test is the cheapest guard against N+1.",
        "A property says what holds for every input, and the computer looks for the exception.",
        "The first assertion of a regression test is that it fails without the fix.",
        "Fixtures that build one row each are easier to read than a shared dump.",
    )),
    Subject("N+1 queries", (
        "Fifty rows with an author each are fifty-one statements, and nobody wrote a loop.",
        "`selectinload` makes it two, a join makes it one and repeats the author.",
        "The serializer touches the attribute, so the query log is the place to look.",
        "It is invisible on a laptop with ten rows and a database on the same machine.",
        "Letting the database build the JSON ends the discussion: one statement, one answer.",
    )),
    Subject("HTTP caching", (
        "An ETag is a name for exactly these bytes, and a 304 has no body.",
        "`If-None-Match` saves the transfer, not the work, unless the tag is cheap to know.",
        "`Vary` names the headers on which the answer depends, or caches will mix them up.",
        "A weak tag says that two answers mean the same.",
        "`private` belongs on everything that depends on who is asking.",
    )),
    Subject("error messages", (
        "Say what happened, where, and what to do instead, in that order.",
        "A 422 that names the nearest right field saves a trip to the documentation.",
        "No stack trace has ever helped the person who called the API.",
        "An error code that was published is never used for something else.",
        "Ignoring an unknown parameter is the most expensive kind of politeness.",
    )),
    Subject("connection pools", (
        "More connections than cores make the database slower, not faster.",
        "Waiting has to end: a timeout on acquire turns a hang into a 503.",
        "A connection that is idle in a transaction holds its locks and its snapshot.",
        "PgBouncer in transaction mode forgets prepared statements between transactions.",
        "`pool_pre_ping` costs a round trip and saves the first request after a restart.",
    )),
    Subject("time zones", (
        "Store UTC, show local, and never let a naive datetime across a boundary.",
        "`timestamptz` keeps a moment, not the zone in which somebody wrote it.",
        "A day is not always 24 hours, which billing finds out twice a year.",
        "`datetime.now(UTC)` is aware; `utcnow()` only looks as if it were.",
        "In a URL a plus sign is a space, so write the offset as %2B or use Z.",
    )),
    Subject("code review", (
        "Small changes are read, large ones are approved.",
        "A question is often a better comment than an order.",
        "What a formatter can decide is not worth a sentence.",
        "The description should say why; the difference already says what.",
        "If it took an hour to understand, the answer belongs in the code.",
    )),
)  # fmt: skip

TAGS = {
    "FastAPI dependencies": ("python", "fastapi"),
    "SQLModel relationships": ("python", "sqlmodel", "databases"),
    "PostgreSQL indexes": ("databases", "postgresql", "performance"),
    "keyset pagination": ("databases", "http", "performance"),
    "asyncio": ("python", "performance"),
    "Alembic migrations": ("python", "databases"),
    "Pydantic models": ("python", "fastapi"),
    "SQLite in production": ("databases", "sqlite"),
    "type hints": ("python",),
    "testing APIs": ("testing", "http"),
    "N+1 queries": ("databases", "performance"),
    "HTTP caching": ("http", "performance"),
    "error messages": ("http", "craft"),
    "connection pools": ("databases", "postgresql", "performance"),
    "time zones": ("databases", "craft"),
    "code review": ("craft",),
}
"""The name of a subject → what posts about it are tagged with."""

TITLES = (
    "What I got wrong about {0}", "Notes on {0}", "{0}: what the docs do not say", "A year of {0} in production",
    "Five things to know about {0}", "How we stopped fighting {0}", "Learning {0} the slow way",
    "{0}, explained to my younger self", "The boring guide to {0}", "Debugging {0} at two in the morning",
    "An afternoon with {0}", "Teaching {0} to a new colleague",
)  # fmt: skip

OPENINGS = (
    "We shipped this on a Friday, so of course I spent the weekend reading about {0}.",
    "Somebody asked me about {0} last week, and my answer was longer than it should have been.",
    "I have explained {0} three times this month. This is the fourth and last time.",
    "This began as a comment in a pull request about {0} and outgrew it.",
    "Most of what I knew about {0} turned out to be half true.",
)

CLOSINGS = (
    "That is all. Corrections are welcome in the comments.",
    "Try it on a branch, look at the numbers, then decide.",
    "None of this is new, but I wish somebody had written it down for me.",
    "Next time I will start with the documentation. Probably.",
    "If you do it differently, tell me why: I collect reasons.",
)

COMMENTS = (
    "This saved me an afternoon, thank you.",
    "We ran into exactly this with {0} last month.",
    "One thing to add: {1}",
    "I disagree with the second paragraph, but the rest is spot on.",
    "Do you have numbers for this, or is it a feeling?",
    "Bookmarked. Could you write more about {0}?",
    "Worth repeating: {1}",
    "Does this hold on SQLite too?",
    "Sending this to my whole team.",
    "The example finally made {0} click for me.",
    "I tried it and it works, with one caveat: our proxy strips the header.",
    "Small typo in the first sentence, great post otherwise.",
    "How would you test this?",
    "We did the opposite and regretted it.",
    "Nice! {1}",
)
