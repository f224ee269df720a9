"""The project's own tests are run by `test_unported`, in processes of their own."""

collect_ignore = ["project"]
