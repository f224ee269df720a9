"""What Sanic's router is made of: routes, the types of path parameters, exceptions."""
