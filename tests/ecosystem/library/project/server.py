"""A library: books in a database, readers who hear of new ones, a web page of another site that may ask.

It is written for Sanic, with Sanic-Cors, Tortoise, python-socketio and Sentry; nothing in it knows of sanic_star.
"""

import os

import sentry_sdk
import socketio
from models import Book
from reporting import ToFile
from sanic import Blueprint, Sanic, json, text
from sanic.exceptions import BadRequest, NotFound
from sanic.response import empty
from sanic.views import HTTPMethodView
from sanic_cors import CORS
from tortoise import Tortoise
from tortoise.contrib.sanic import register_tortoise
from tortoise.exceptions import IntegrityError, ValidationError

sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=ToFile, traces_sample_rate=1.0)

app = Sanic("Library")
CORS(
    app,
    resources={r"/books*": {"origins": ["https://reader.test", r"https://.*[.]branch[.]test"], "max_age": 60}},
    supports_credentials=True,
    expose_headers=["x-total"],
)
# An open poll of a client that has left ends after both of these times, in seconds.
sio = socketio.AsyncServer(async_mode="sanic", cors_allowed_origins=[], ping_interval=1, ping_timeout=5)
sio.attach(app)
register_tortoise(
    app, db_url=f"sqlite://{os.environ['LIBRARY_BOOKS']}", modules={"models": ["models"]}, generate_schemas=True
)


@app.before_server_start
async def make_tables(app):
    # Tortoise's own listener does this in the main process, which not every server has.
    await Tortoise.generate_schemas()


@app.exception(IntegrityError)
async def taken(request, error):
    return json({"error": "there is a book of that title"}, 409)


@app.exception(ValidationError)
async def invalid(request, error):
    return json({"error": str(error)}, 422)


# Books -------------------------------------------------------------------------------------------------------------

books = Blueprint("books", url_prefix="/books")


def written(request):
    book = request.json
    if not isinstance(book, dict) or not isinstance(book.get("title"), str):
        raise BadRequest("a book has a title")
    return {"title": book["title"], "pages": book.get("pages", 0)}


@books.get("/")
async def index(request):
    books = await Book.filter(title__contains=request.args.get("q", "")).order_by("title")
    return json([book.shown() for book in books], headers={"x-total": str(len(books))})


@books.post("/")
async def add(request):
    book = await Book.create(**written(request))
    await sio.emit("added", book.shown(), room="readers")
    return json(book.shown(), 201, headers={"location": app.url_for("books.OneBook", id=book.id)})


class OneBook(HTTPMethodView):
    async def get(self, request, id):
        return json((await self.find(id)).shown())

    async def put(self, request, id):
        book = await self.find(id)
        await book.update_from_dict(written(request)).save()
        return json(book.shown())

    async def delete(self, request, id):
        await (await self.find(id)).delete()
        return empty()

    async def find(self, id):
        book = await Book.get_or_none(id=id)
        if book is None:
            raise NotFound(f"no book {id}")
        return book


books.add_route(OneBook.as_view(), "/<id:int>")
app.blueprint(books)


# Readers -----------------------------------------------------------------------------------------------------------


@sio.event
async def connect(sid, environ, auth):
    if auth == {"token": "wrong"}:
        raise ConnectionRefusedError("wrong token")


@sio.event
async def join(sid, room):
    await sio.enter_room(sid, room)
    await sio.emit("joined", room, room=room)


@sio.event
async def count(sid):
    return await Book.all().count()


@sio.event
async def fail(sid, word):
    raise LookupError(word)


@sio.event
async def suggest(sid, title):
    book = await Book.create(title=title)
    await sio.emit("added", book.shown(), room="readers")
    return book.shown()


# Errors ------------------------------------------------------------------------------------------------------------


@app.get("/ready")
async def ready(request):
    return text("ready")


@app.get("/fails")
async def fails(request):
    raise ArithmeticError("in a handler")


async def break_down(cause):
    raise RuntimeError(cause)


@app.post("/tasks")
async def start_task(request):
    app.add_task(break_down("in a task"))
    return text("started", 202)
