import pytest
from sanic import Sanic
from sanic_testing import TestManager
from shop.server import create_app


@pytest.fixture
def app():
    Sanic.test_mode = True
    app = create_app("TestedShop")
    TestManager(app)
    return app
