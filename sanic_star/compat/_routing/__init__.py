"""What Sanic's router has beside routes: the types of path parameters, and its exceptions."""
