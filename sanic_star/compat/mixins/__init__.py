"""The class that registers everything, under the names of Sanic's mixins."""
