"""Stage 3: `ReadPlan` × dialect → `Statement`. Pure, and never fails on user input.

`read` builds the statement of `shape` (rows to JSON) and `conditions` (predicates, order) by the answers of
`dialects`; `template` writes expressions that read better as SQL; `finish` is for what Python has to write; `statement`
is what comes out.
"""
