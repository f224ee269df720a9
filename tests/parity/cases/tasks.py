"""Background tasks: how they are added, found, cancelled, and ended; those of a response."""

from tests.parity.case import case
from tests.parity.wire import get

ADD = """
import asyncio
seen = []
async def job(): seen.append("job")
async def with_app(app): seen.append(["with_app", app.name])
def plain(): seen.append("plain")
def gives(app): seen.append("gives"); return job()
async def boom(): raise ValueError("boom")
async def sleeper():
    try: await asyncio.sleep(60)
    except asyncio.CancelledError as error: seen.append(["cancelled", str(error)]); raise

def told(call):
    try: value = call()
    except Exception as error: return f"{type(error).__name__}: {error}"
    return type(value).__name__

async def told_later(awaitable):
    try: return repr(await awaitable)
    except Exception as error: return f"{type(error).__name__}: {error}"

@app.get("/seen")
async def show(request):
    await asyncio.sleep(0.05)
    out = list(seen)
    seen.clear()
    return json(out)
"""


def tasks(name: str, does: str, *, log_differs: str | None = None) -> None:
    """Add a case: what a handler does, the value of `out`, and who was called."""
    lines = "\n".join(f"    {line}" for line in does.strip().splitlines())
    source = f'{ADD}\n@app.get("/")\nasync def ask(request):\n    out = []\n{lines}\n    return json(out)\n'
    case(name, source, get("/"), get("/seen"), log_differs=log_differs)


for form, given in {
    "a coroutine": "job()",
    "a coroutine function": "job",
    "a coroutine function that takes the application": "with_app",
    "a function that gives a coroutine": "gives",
    "a lambda": "lambda app: job()",
    "a task": "asyncio.create_task(job())",
    "an object that can be called": "type('Job', (), {'__call__': lambda self, app: job()})()",
}.items():
    tasks(f"adding {form}", f"out.append(told(lambda: app.add_task({given})))")
tasks(
    "adding a bound method", "class Job:\n    async def run(self, app): seen.append(app.name)\napp.add_task(Job().run)"
)
tasks(
    "adding a partial", "from functools import partial\nasync def of(n): seen.append(n)\napp.add_task(partial(of, 5))"
)
tasks(
    "adding a function that raises",
    "out.append(told(lambda: app.add_task(boom)))\nawait asyncio.sleep(0.02)",
    log_differs="background-tasks",
)
tasks("adding a function", "out.append(told(lambda: app.add_task(plain)))", log_differs="background-tasks")
tasks(
    "adding values that are not tasks",
    "out.append([told(lambda: app.add_task(each)) for each in (5, None, 'x')])\nawait asyncio.sleep(0.02)",
    log_differs="background-tasks",
)
tasks(
    "what a task gives",
    "async def five(): return 5\ntask = app.add_task(five())\nout += [await task, task.done(), type(task).__name__]",
)
tasks(
    "names",
    """
for name in ("one", 5, "", "a b"):
    out.append(told(lambda: app.add_task(job(), name=name)))
    out.append(told(lambda: app.get_task(name)))
    out.append(told(lambda: app.get_task(name, raise_exception=False)))
out.append(app.add_task(job(), name="named").get_name())
await asyncio.sleep(0.02)
""",
)
tasks(
    "names that are not registered",
    """
out.append(told(lambda: app.add_task(job(), name="hidden", register=False)))
out.append(told(lambda: app.get_task("hidden")))
out.append(told(lambda: app.get_task("hidden", raise_exception=False)))
out.append(told(lambda: app.get_task(None)))
out.append(len(list(app.tasks)))
""",
)
tasks(
    "one name twice",
    """
first = app.add_task(sleeper(), name="twin")
second = app.add_task(sleeper(), name="twin")
out += [app.get_task("twin") is second, len(list(app.tasks))]
await asyncio.sleep(0)
first.cancel(); second.cancel()
await asyncio.sleep(0.02)
""",
    log_differs="background-tasks",
)
tasks(
    "tasks that have ended",
    """
app.add_task(job(), name="over")
running = app.add_task(sleeper(), name="running")
await asyncio.sleep(0.02)
out += [app.get_task("over").done(), app.get_task("running").done(), len(list(app.tasks))]
app.purge_tasks()
out += [told(lambda: app.get_task("over")), told(lambda: app.get_task("running")), len(list(app.tasks))]
running.cancel()
await asyncio.sleep(0.02)
""",
    log_differs="background-tasks",
)
tasks(
    "cancelling",
    """
task = app.add_task(sleeper(), name="one")
other = app.add_task(sleeper(), name="two")
await asyncio.sleep(0)
out += [await told_later(app.cancel_task("one", msg="because")), task.cancelled(), other.done()]
out += [await told_later(app.cancel_task("two")), other.cancelled()]
out += [await told_later(app.cancel_task("one")), told(lambda: app.get_task("one"))]
""",
    log_differs="background-tasks",
)
tasks(
    "cancelling what is over or is not there",
    """
app.add_task(job(), name="over")
await asyncio.sleep(0.02)
out += [await told_later(app.cancel_task("over")), await told_later(app.cancel_task("none"))]
out += [await told_later(app.cancel_task("none", raise_exception=False)), await told_later(app.cancel_task(None))]
""",
)
tasks(
    "ending all tasks",
    """
one = app.add_task(sleeper(), name="one")
app.add_task(job(), name="over")
await asyncio.sleep(0.01)
app.shutdown_tasks(timeout=0.1)
await asyncio.sleep(0.05)
out += [one.cancelled()]
""",
    log_differs="background-tasks",
)
tasks(
    "all tasks",
    """
for name in ("a", "b"): app.add_task(job(), name=name)
app.add_task(job())
found = app.tasks
out += [type(found).__name__ in ("generator", "list_iterator"), sorted(task.get_name() for task in found)]
await asyncio.sleep(0.02)
""",
)
tasks(
    "a task that adds another",
    "async def outer(app): seen.append('outer'); app.add_task(job)\napp.add_task(outer)",
)
tasks(
    "a task that catches its cancellation",
    """
async def stubborn():
    try: await asyncio.sleep(60)
    except asyncio.CancelledError: seen.append("caught")
    seen.append("went on")
app.add_task(stubborn, name="stubborn")
await asyncio.sleep(0.01)
out.append(await told_later(app.cancel_task("stubborn")))
await asyncio.sleep(0.01)
""",
)
case(
    "tasks that are added before the start",
    f"""{ADD}
app.add_task(job())
app.add_task(job)
app.add_task(with_app)
app.add_task(gives)
@app.before_server_start
async def early(app): app.add_task(with_app); app.add_task(job(), name="early")
@app.after_server_start
async def late(app): app.add_task(with_app(app), name="late")
@app.get("/names")
async def names(request): return json([app.get_task(each).done() for each in ("early", "late")])
@app.get("/sorted")
async def in_order(request):
    await asyncio.sleep(0.05)
    return json(sorted(map(str, seen)))
""",
    get("/sorted"),
    get("/names"),
)
case(
    "tasks of several requests",
    f"""{ADD}
@app.get("/<number:int>")
async def add(request, number):
    async def later(): seen.append(number)
    request.app.add_task(later(), name=f"number-{{number}}")
    return text("added")
""",
    get("/1"),
    get("/2"),
    get("/x"),
    get("/seen"),
)
case(
    "adding functions with missing or extra parameters",
    f"""{ADD}
async def two(a, b): seen.append("never")
@app.get("/")
async def add(request):
    out = [told(lambda: app.add_task(two)), told(lambda: app.add_task())]
    await asyncio.sleep(0.02)
    return json([each.split(":")[0] for each in out])
""",
    get("/"),
    get("/seen"),
    log_differs="background-tasks",
)
