"""What databases say differently: one class of answers for each."""
