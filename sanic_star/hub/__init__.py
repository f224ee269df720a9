"""Broadcasting: messages published on a channel reach all its subscribers.

`Hub` keeps the channels of this process. Without a URL that is all, so each worker has channels of its own. With the
URL of a Redis server, the hubs of all workers and hosts share them.

A publisher never waits for a subscriber. Each subscriber has a bounded queue, and a policy for when that is full.

Loaded when it is used.
"""

from sanic_star.hub._hub import Hub
from sanic_star.hub._sockets import Attachment
from sanic_star.hub._subscriptions import Subscription

__all__ = ["Attachment", "Hub", "Subscription"]
