"""The parts of Sanic's router: routes, the types of path parameters, exceptions."""
