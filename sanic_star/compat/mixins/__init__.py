"""The registration of Sanic's applications and blueprints, under the names of its many parts."""
