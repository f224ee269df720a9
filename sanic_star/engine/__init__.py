"""Starlette's classes, made to carry Sanic's load: the application, its routes, requests, responses and life.

The engine speaks Starlette's vocabulary and knows nothing of Sanic. It asks the layer above through one Protocol,
`seams.Behaviour`.
"""
