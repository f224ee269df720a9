"""The shop of Sanic Extensions answers here as on Sanic; `nox -s ecosystem` serves it in all other setups."""

from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem.extensions import exchanges, serving


@pytest.mark.parametrize("framework", ["uvicorn", "changed imports, app.run"])
def test_the_shop_answers_as_on_sanic(tmp_path: Path, framework: str) -> None:
    serving.unpack(tmp_path)
    answers: dict[str, Any] = {}
    for name in ("Sanic", framework):
        port = serving.free_port()
        command, env = serving.setups(port)[name]
        with serving.served(tmp_path, command, port, env) as (_, base):
            answers[name] = {group: exchanges.answers(base, group) for group in exchanges.GROUPS}
    for group, controls in answers["Sanic"].items():
        for (exchange, control), (_, answer) in zip(controls, answers[framework][group], strict=True):
            assert answer[0] == exchange.status, exchange
            assert exchanges.comparable(answer) == exchanges.comparable(control), exchange
