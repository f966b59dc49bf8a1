"""Where code runs: threads, child processes, one event loop, commands."""
