"""The version of jobrunner, told once: the build and `--version` both read this file."""

__version__ = "0.1.0"
