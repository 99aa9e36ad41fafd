"""What tests share: databases, a statement counter, example tables."""
