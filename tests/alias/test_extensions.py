"""The shop of Sanic Extensions answers here as on Sanic; `nox -s ecosystem` serves it in every other way."""

from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem.extensions import exchanges, serving


@pytest.mark.parametrize("here", ["uvicorn", "changed imports, app.run"])
def test_the_shop_answers_as_on_sanic(tmp_path: Path, here: str) -> None:
    serving.unpack(tmp_path)
    answers: dict[str, Any] = {}
    for way in ("Sanic", here):
        port = serving.free_port()
        command, env = serving.ways(port)[way]
        with serving.served(tmp_path, command, port, env) as (_, base):
            answers[way] = {group: exchanges.answers(base, group) for group in exchanges.GROUPS}
    for group, controls in answers["Sanic"].items():
        for (exchange, control), (_, answer) in zip(controls, answers[here][group], strict=True):
            assert answer[0] == exchange.status, exchange
            assert exchanges.comparable(answer) == exchanges.comparable(control), exchange
