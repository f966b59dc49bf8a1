"""`python -m jobrunner` is the command `jobrunner`."""

from jobrunner.cli.app import main

if __name__ == "__main__":
    main()
