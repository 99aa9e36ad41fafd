"""What exists: tables → `Schema`, derived once at start.

`declaration` is what a user says, `naming` how things are called, `reflect` reads a database that has no models,
`types` describes column types, `bodies` makes and reads Pydantic models, `derive` puts it together, `model` is what
comes out.
"""
