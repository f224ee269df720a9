"""A task board, a small application that uses most features of the package (see `README.md` in this folder)."""
