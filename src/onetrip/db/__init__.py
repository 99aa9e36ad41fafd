"""Stage 4: `Statement` → value. The only I/O on the path of a request.

`url` chooses a driver, `database` holds engine, dialect and `runner`; `postgresql` and `sqlite` are the fast runners;
`session` is for hand-written endpoints.
"""
