"""Users and their posts, on plain SQLAlchemy 2.0: no SQLModel in it."""
