"""The parts of `sanic_testing` besides its clients: keywords, verbs, responses, refusals and proxies."""
