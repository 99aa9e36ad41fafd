"""What is likely to go wrong in an application that works: found in its text and its mappers, before it does."""
