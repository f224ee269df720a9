"""The scene of the part `start`: 200 routes, 10 blueprints (or their equivalent), 5 middleware that do nothing.

Each module has `make()`, which returns a new application, and imports nothing but its framework.
"""
