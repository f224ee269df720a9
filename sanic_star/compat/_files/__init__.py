"""Files over HTTP: which file a path means, what is kept in memory, and the responses that send it."""
