"""The metaclass of Sanic's applications; here they have Python's own."""

SanicMeta = type
