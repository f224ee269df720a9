"""The metaclass of classes whose methods Sanic rewrites; here they are classes like any other."""

TouchUpMeta = type
