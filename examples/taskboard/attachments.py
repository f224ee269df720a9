"""Files on tasks: upload, list, download."""

import re

from sanic_star import BadRequest, Blueprint, HTTPResponse, NotFound, Request, file, json
from sanic_star.compat.exceptions import PayloadTooLarge

from .api import describe, get_task
from .store import Store

attachments = Blueprint("attachments", version=1, version_prefix="/api/v")

# Characters that a header cannot contain or a file system does not accept. The file itself is stored under an id.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\/:]+')


@attachments.post("/tasks/<task_id:int>/attachments", name="upload")
async def upload(request: Request, task_id: int) -> HTTPResponse:
    """Attach the file of the form field `file` to a task."""
    task = await get_task(request, task_id)
    upload_file = request.files.get("file") if request.files else None
    if upload_file is None or not upload_file.name:
        raise BadRequest("Send a file in the form field 'file'.")
    limit = request.app.config.ATTACHMENT_MAX_SIZE
    if len(upload_file.body) > limit:
        raise PayloadTooLarge(f"An attachment may have at most {limit:,} bytes.")
    store: Store = request.app.ctx.store
    name = _UNSAFE.sub("_", upload_file.name)[-100:]
    await store.attach(task, name, bytes(upload_file.body))
    return json(describe(request, await get_task(request, task_id)), status=201)


@attachments.get("/tasks/<task_id:int>/attachments", name="list")
async def list_attachments(request: Request, task_id: int) -> HTTPResponse:
    """List the files of a task."""
    return json(describe(request, await get_task(request, task_id))["attachments"])


@attachments.get("/attachments/<attachment_id:str>", name="download")
async def download(request: Request, attachment_id: str) -> HTTPResponse:
    """Send a file as a download: an uploaded file must not run in the board's origin."""
    store: Store = request.app.ctx.store
    attachment = await store.attachment(attachment_id)
    if attachment is None:
        raise NotFound("There is no such attachment.")
    return await file(
        store.path_of(attachment),
        filename=attachment.name,
        mime_type="application/octet-stream",
        request_headers=request.headers,
        headers={"X-Content-Type-Options": "nosniff"},
    )
