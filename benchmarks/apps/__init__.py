"""The same small application, written for each contender as its own users would write it.

Each module has `basic()` (the four cases of `benchmarks.cases`); most have `routes(count, mixed)`, some
`middleware(kind, count)`. Each returns a new ASGI application.
"""
