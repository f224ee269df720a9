"""What the package `sanic_testing` offers beside its clients: their keywords, verbs, responses and proxies."""
