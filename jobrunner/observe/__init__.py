"""What is told to the outside: events as log lines."""
