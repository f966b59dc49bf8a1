"""A module that nobody imports by accident."""


def spring() -> str:
    return "sprung"
