"""Revisions judged from their operations, before anything runs: recorded, asked by one rule after another, told."""
