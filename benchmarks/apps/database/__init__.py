"""The scene `database`, for each contender: our own version of the six tests of TechEmpower's benchmark.

Each module has `make(url)`, which returns a new application whose store is at that address. The queries are in `store`,
one for all, so that what differs is the framework.
"""
