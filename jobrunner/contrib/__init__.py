"""Ties to what others have built: frameworks that tasks are enqueued from."""
