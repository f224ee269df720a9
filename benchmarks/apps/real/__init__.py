"""The scene `real`, for each contender: a small shop, with a bearer token, cookies, a query, and four middleware.

Each module has `make()`, which returns a new application. All answer the requests of `benchmarks.real_requests`:

- Request middleware reads the field `x-request-id`, and the bearer token; without a token the answer is a 401.
- `GET /shop/customers/<customer>/orders/<order>` answers with what it read from path, query, cookies and token, with
  twenty rows, and sets a cookie.
- `POST /shop/customers/<customer>/orders` reads a JSON body, and answers 201.
- Response middleware sets `x-request-id`, `cache-control` and `x-content-type-options`.

A framework that has no two kinds of middleware has two that do both. Where its documentation teaches several ways, the
module takes the faster: for Starlette, FastAPI and Litestar pure ASGI middleware, not a class that wraps the request.
"""
