"""The JSON API. Version 1 serves single tasks; version 2 serves the whole board, column by column.

Each version is a blueprint: its `version` makes the prefix `/api/v1` or `/api/v2`. Each task contains its own links, so
clients build no URLs.
"""

from typing import Annotated, Any, TypeVar

import msgspec

from sanic_star import BadRequest, Blueprint, HTTPResponse, NotFound, Request, empty, json
from sanic_star.compat.views import HTTPMethodView

from .links import link
from .store import COLUMNS, Column, Store, Task

tasks = Blueprint("tasks", url_prefix="/tasks", version=1, version_prefix="/api/v")
board = Blueprint("board", url_prefix="/board", version=2, version_prefix="/api/v")

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=r"\S")]
Body = TypeVar("Body")


class NewTask(msgspec.Struct, forbid_unknown_fields=True):
    """The request body that adds a task."""

    title: Title
    column: Column = "todo"


class TaskChange(msgspec.Struct, forbid_unknown_fields=True):
    """The request body that renames or moves a task."""

    title: Title | None = None
    column: Column | None = None


def parse_body(request: Request, body_type: type[Body]) -> Body:
    """Parse the JSON body into `body_type`; a `BadRequest` says what is invalid, and where."""
    try:
        return msgspec.json.decode(request.body, type=body_type)
    except msgspec.MsgspecError as error:
        raise BadRequest(str(error)) from None


def describe(request: Request, task: Task) -> dict[str, Any]:
    """Return a task as JSON data, with its links."""
    data = msgspec.to_builtins(task)
    for file in data["attachments"]:
        file["url"] = link(request, "attachments.download", attachment_id=file["id"])
    data["url"] = link(request, "tasks.TaskView", task_id=task.id)
    data["attachments_url"] = link(request, "attachments.upload", task_id=task.id)
    return data  # type: ignore[no-any-return]


async def get_task(request: Request, task_id: int) -> Task:
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
    """List the tasks; `?column=` selects one column."""
    column = request.args.get("column")
    if column is not None and column not in COLUMNS:
        raise BadRequest(f"There is no column {column!r}; there are {', '.join(COLUMNS)}.")
    return json([describe(request, task) for task in await _store(request).tasks(column)])


@tasks.post("/", name="add")
async def add_task(request: Request) -> HTTPResponse:
    """Add a task."""
    new_task = parse_body(request, NewTask)
    task = await _store(request).add(new_task.title.strip(), new_task.column, request.ctx.user)
    data = describe(request, task)
    return json(data, status=201, headers={"Location": data["url"]})


class TaskView(HTTPMethodView):
    """One task."""

    async def get(self, request: Request, task_id: int) -> HTTPResponse:
        """Show the task."""
        return json(describe(request, await get_task(request, task_id)))

    async def patch(self, request: Request, task_id: int) -> HTTPResponse:
        """Rename or move the task."""
        change = parse_body(request, TaskChange)
        task = await _store(request).change(task_id, change.title and change.title.strip(), change.column)
        return json(describe(request, task or await get_task(request, task_id)))

    async def delete(self, request: Request, task_id: int) -> HTTPResponse:
        """Delete the task and its attachments."""
        if not await _store(request).remove(task_id):
            raise NotFound(f"There is no task {task_id}.")
        return empty()


tasks.add_route(TaskView.as_view(), "/<task_id:int>")


@board.get("/", name="show")
async def show_board(request: Request) -> HTTPResponse:
    """Show the columns with their tasks."""
    all_tasks = [describe(request, task) for task in await _store(request).tasks()]
    return json(
        {
            "columns": [
                {"key": key, "title": title, "tasks": [task for task in all_tasks if task["column"] == key]}
                for key, title in COLUMNS.items()
            ],
            "add_url": link(request, "tasks.add"),
        }
    )
