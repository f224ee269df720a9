"""Files on tasks: upload, list, download."""

import re

from sanic_star import Blueprint, HTTPResponse, Request, file, json
from sanic_star.compat.exceptions import BadRequest, NotFound, PayloadTooLarge

from .api import describe, find
from .store import Store

attachments = Blueprint("attachments", version=1, version_prefix="/api/v")

# What a header can't carry and no file system wants; the bytes themselves are stored under an id.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\/:]+')


@attachments.post("/tasks/<task_id:int>/attachments", name="upload")
async def upload(request: Request, task_id: int) -> HTTPResponse:
    """Attach the file of the form field `file` to a task."""
    task = await find(request, task_id)
    sent = request.files.get("file") if request.files else None
    if sent is None or not sent.name:
        raise BadRequest("Send a file in the form field 'file'.")
    limit = request.app.config.ATTACHMENT_MAX_SIZE
    if len(sent.body) > limit:
        raise PayloadTooLarge(f"An attachment may have {limit:,} bytes.")
    store: Store = request.app.ctx.store
    name = _UNSAFE.sub("_", sent.name)[-100:]
    await store.attach(task, name, bytes(sent.body))
    return json(describe(request, await find(request, task_id)), status=201)


@attachments.get("/tasks/<task_id:int>/attachments", name="list")
async def list_attachments(request: Request, task_id: int) -> HTTPResponse:
    """List the files of a task."""
    return json(describe(request, await find(request, task_id))["attachments"])


@attachments.get("/attachments/<attachment_id:str>", name="download")
async def download(request: Request, attachment_id: str) -> HTTPResponse:
    """Send a file, as one to save: what people upload must not run in the board's origin."""
    store: Store = request.app.ctx.store
    found = await store.attachment(attachment_id)
    if found is None:
        raise NotFound("There is no such attachment.")
    return await file(
        store.file_of(found),
        filename=found.name,
        mime_type="application/octet-stream",
        request_headers=request.headers,
        headers={"X-Content-Type-Options": "nosniff"},
    )
