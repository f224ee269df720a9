"""Files over HTTP: from a path to a file, the cache of small files, and the responses."""
