"""The tests in these folders are run by `test_unported` and `test_clients_on_both`, in processes of their own."""

collect_ignore = ["clients", "project"]
