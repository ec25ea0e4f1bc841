"""`python -m grokwatch` is the command `grokwatch`."""

from grokwatch.cli.main import main

if __name__ == "__main__":
    main()
