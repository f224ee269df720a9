"""`test_unported` and `test_clients_on_both` run the tests in these folders, in their own processes."""

collect_ignore = ["clients", "project"]
