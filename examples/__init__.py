"""Applications to run, read and take from."""
