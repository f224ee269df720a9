"""`import sanic` means this package: the table of modules, and how other processes get it, too."""
