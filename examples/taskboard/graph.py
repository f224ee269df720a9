"""The board in GraphQL: a separate ASGI application (`starlette_graphene3`) that is mounted in ours.

It uses the same store, so each open page shows its changes at once. A browser that opens the mount's URL gets a page
for writing queries.
"""

from typing import Any

import graphene  # type: ignore[import-untyped]
from graphql import GraphQLError
from starlette.requests import HTTPConnection
from starlette.requests import Request as StarletteRequest
from starlette_graphene3 import GraphQLApp  # type: ignore[import-untyped]

from sanic_star import HTTPResponse, Request

from .board import App
from .links import link
from .pages import POLICY, render
from .store import COLUMNS, Store, Task

Column = graphene.Enum("Column", [(key, key) for key in COLUMNS])


class TaskType(graphene.ObjectType):  # type: ignore[misc]
    """A card on the board."""

    class Meta:
        name = "Task"

    id = graphene.Int(required=True)
    title = graphene.String(required=True)
    column = graphene.String(required=True)
    author = graphene.String(required=True)
    attachments = graphene.List(graphene.NonNull(graphene.String), required=True, description="The names of its files")

    def resolve_attachments(self: Task, _: graphene.ResolveInfo) -> list[str]:
        """Return the names of a task's files."""
        return [file.name for file in self.attachments]


class Query(graphene.ObjectType):  # type: ignore[misc]
    """The queries."""

    tasks = graphene.List(graphene.NonNull(TaskType), required=True, column=Column())

    async def resolve_tasks(self, info: graphene.ResolveInfo, column: Any = None) -> list[Task]:
        """Return the tasks of one column, or all tasks."""
        return await _store(info).tasks(column.value if column else None)


class AddTask(graphene.Mutation):  # type: ignore[misc]
    """Add a task."""

    class Arguments:
        title = graphene.String(required=True)
        column = Column(default_value="todo")

    task = graphene.Field(TaskType, required=True)

    async def mutate(self, info: graphene.ResolveInfo, title: str, column: Any) -> "AddTask":
        """Add the task with the session's visitor as its author."""
        if not 1 <= len(title.strip()) <= 120:
            raise GraphQLError("A title has 1 to 120 characters.")
        author = info.context["visitor"]
        return AddTask(task=await _store(info).add(title.strip(), getattr(column, "value", column), author))


class MoveTask(graphene.Mutation):  # type: ignore[misc]
    """Move a task to another column."""

    class Arguments:
        id = graphene.Int(required=True)
        column = Column(required=True)

    task = graphene.Field(TaskType, required=True)

    async def mutate(self, info: graphene.ResolveInfo, id: int, column: Any) -> "MoveTask":
        """Move the task to the end of that column."""
        task = await _store(info).change(id, column=getattr(column, "value", column))
        if task is None:
            raise GraphQLError(f"There is no task {id}.")
        return MoveTask(task=task)


class Mutation(graphene.ObjectType):  # type: ignore[misc]
    """The mutations."""

    add_task = AddTask.Field()
    move_task = MoveTask.Field()


def make_graphql(app: App) -> GraphQLApp:
    """Create the GraphQL application of a board."""

    def context(connection: HTTPConnection) -> dict[str, Any]:
        # Read for each request, because the store does not exist before the server starts.
        return {"store": app.ctx.store, "visitor": connection.session.get("name", "guest")}

    schema = graphene.Schema(query=Query, mutation=Mutation)
    return GraphQLApp(schema, context_value=context, on_get=show_page)


def show_page(_: StarletteRequest) -> HTTPResponse:
    """Show the page for queries; unlike the package's own page, it loads nothing from other hosts."""
    request = Request.get_current()
    response = render(request, "graphql.html", endpoint=link(request, "graphql", path="/"))
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _store(info: graphene.ResolveInfo) -> Store:
    store: Store = info.context["store"]
    return store
