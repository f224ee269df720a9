from sanic import Blueprint, json
from sanic.exceptions import InvalidUsage

orders = Blueprint("orders", url_prefix="/orders")


@orders.on_request
async def count(request):
    request.ctx.amount = int(request.args.get("amount", 1))


@orders.post("/<number:int>")
async def order(request, number):
    if request.ctx.amount > request.app.config.LARGEST_ORDER:
        raise InvalidUsage("That is too many")
    return json({"ordered": request.ctx.amount, "by": request.form.get("by")})
