"""`python -m sanic_star` is the `sanic-star` command."""

from sanic_star.cli import main

if __name__ == "__main__":
    main()
