"""Broadcasting: messages published on a channel reach all its subscribers.

`Hub` has the channels of this process. Without a URL, each worker has its own channels. With the URL of a Redis server,
the hubs of all workers and hosts share their channels.

A publisher never waits for a subscriber. Each subscriber has a bounded queue, and a policy for a full queue.

This package is imported when a program uses one of its names.
"""

from sanic_star.hub._hub import Hub
from sanic_star.hub._sockets import Attachment
from sanic_star.hub._subscriptions import Subscription

__all__ = ["Attachment", "Hub", "Subscription"]
