"""`queue.executor()`: an Executor of the standard library whose calls are stored tasks."""
