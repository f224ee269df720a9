"""A project with Sanic-Cors, Tortoise, python-socketio and Sentry, how it is served, and what is sent to it."""
