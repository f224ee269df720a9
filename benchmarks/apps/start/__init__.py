"""The scene of the part `start`: 200 routes, 10 blueprints (or what stands for them), 5 middleware that do nothing.

Each module has `make()`, which returns a new application, and imports nothing but its framework.
"""
