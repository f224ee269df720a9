"""A task board: a small application with something of everything (see `README.md` beside this file)."""
