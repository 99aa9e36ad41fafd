"""What happens to writes when processes die, connections break and commits fail: see docs/reliability.md."""
