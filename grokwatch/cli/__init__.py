"""The command line: one command a file, found by `main.COMMANDS` and imported only when it is called."""
