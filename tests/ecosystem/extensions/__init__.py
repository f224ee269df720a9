"""A project that uses the features of Sanic Extensions, how it is served, and what is sent to it."""
