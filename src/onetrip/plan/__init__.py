"""Stage 2: `Query` × `Schema` → `ReadPlan`. Pure: every refusal that is neither syntax nor conflict is said here.

`read` is the planner, `resolve` turns names into fields and relations, `ir` is what comes out.
"""
