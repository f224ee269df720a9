"""The board as JSON. Version 1 has tasks one by one; version 2 gives the whole board, column by column.

Both are blueprints; the version is theirs, and `/api/v1`, `/api/v2` come from it. Each task carries its own links, so
that a client builds no URL.
"""

from typing import Annotated, Any, TypeVar

import msgspec

from sanic_star import Blueprint, HTTPResponse, Request, empty, json
from sanic_star.compat.exceptions import BadRequest, NotFound
from sanic_star.compat.views import HTTPMethodView

from .links import link
from .store import COLUMNS, Column, Store, Task

tasks = Blueprint("tasks", url_prefix="/tasks", version=1, version_prefix="/api/v")
board = Blueprint("board", url_prefix="/board", version=2, version_prefix="/api/v")

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=r"\S")]
T = TypeVar("T")


class NewTask(msgspec.Struct, forbid_unknown_fields=True):
    """What a client sends to add a task."""

    title: Title
    column: Column = "todo"


class TaskChange(msgspec.Struct, forbid_unknown_fields=True):
    """What a client sends to rename or move a task."""

    title: Title | None = None
    column: Column | None = None


def read(request: Request, shape: type[T]) -> T:
    """Read the JSON body as `shape`, or raise `BadRequest` with what is wrong and where."""
    try:
        return msgspec.json.decode(request.body, type=shape)
    except msgspec.MsgspecError as error:
        raise BadRequest(str(error)) from None


def describe(request: Request, task: Task) -> dict[str, Any]:
    """Make the JSON of a task, links included."""
    facts = msgspec.to_builtins(task)
    for file in facts["attachments"]:
        file["url"] = link(request, "attachments.download", attachment_id=file["id"])
    facts["url"] = link(request, "tasks.TaskView", task_id=task.id)
    facts["attachments_url"] = link(request, "attachments.upload", task_id=task.id)
    return facts  # type: ignore[no-any-return]


async def find(request: Request, task_id: int) -> Task:
    """Return a task, or raise `NotFound`."""
    task: Task | None = await _store(request).task(task_id)
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    return task


def _store(request: Request) -> Store:
    store: Store = request.app.ctx.store
    return store


@tasks.get("/", name="list")
async def list_tasks(request: Request) -> HTTPResponse:
    """List the tasks; `?column=` narrows it down to one column."""
    column = request.args.get("column")
    if column is not None and column not in COLUMNS:
        raise BadRequest(f"There is no column {column!r}; there are {', '.join(COLUMNS)}.")
    return json([describe(request, task) for task in await _store(request).tasks(column)])


@tasks.post("/", name="add")
async def add_task(request: Request) -> HTTPResponse:
    """Add a task."""
    new = read(request, NewTask)
    task = await _store(request).add(new.title.strip(), new.column, request.ctx.user)
    facts = describe(request, task)
    return json(facts, status=201, headers={"Location": facts["url"]})


class TaskView(HTTPMethodView):
    """One task."""

    async def get(self, request: Request, task_id: int) -> HTTPResponse:
        """Show it."""
        return json(describe(request, await find(request, task_id)))

    async def patch(self, request: Request, task_id: int) -> HTTPResponse:
        """Rename or move it."""
        change = read(request, TaskChange)
        task = await _store(request).change(task_id, change.title and change.title.strip(), change.column)
        return json(describe(request, task or await find(request, task_id)))

    async def delete(self, request: Request, task_id: int) -> HTTPResponse:
        """Delete it, with its attachments."""
        if not await _store(request).remove(task_id):
            raise NotFound(f"There is no task {task_id}.")
        return empty()


tasks.add_route(TaskView.as_view(), "/<task_id:int>")


@board.get("/", name="show")
async def show_board(request: Request) -> HTTPResponse:
    """Show the columns with their tasks."""
    found = [describe(request, task) for task in await _store(request).tasks()]
    return json(
        {
            "columns": [
                {"key": key, "title": title, "tasks": [task for task in found if task["column"] == key]}
                for key, title in COLUMNS.items()
            ],
            "add_url": link(request, "tasks.add"),
        }
    )
