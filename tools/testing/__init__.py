"""The base of the test suite: its own servers, the application's rights, a browser."""
