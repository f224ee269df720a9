"""The metaclass of classes whose methods Sanic rewrites; here they are ordinary classes."""

TouchUpMeta = type
