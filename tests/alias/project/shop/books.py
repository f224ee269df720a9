from sanic import Blueprint
from sanic.exceptions import NotFound
from sanic.response import json
from sanic.views import HTTPMethodView

books = Blueprint("books", url_prefix="/books", version=1)


class Book(HTTPMethodView):
    async def get(self, request, number):
        shelf = request.app.ctx.shelf
        if number not in shelf:
            raise NotFound(f"There is no book {number}")
        return json({"title": shelf[number], "url": request.app.url_for("books.Book", number=number)})

    async def put(self, request, number):
        request.app.ctx.shelf[number] = request.json["title"]
        return json({"title": request.json["title"]}, status=201)


books.add_route(Book.as_view(), "/<number:int>")


@books.websocket("/feed")
async def feed(request, ws):
    async for message in ws:
        await ws.send(message.upper())
