import os

from shop.server import app

if __name__ == "__main__":
    app.run(
        host="127.0.0.1",
        port=int(os.environ["SHOP_PORT"]),
        workers=int(os.environ.get("SHOP_WORKERS", "1")),
        access_log=False,
    )
