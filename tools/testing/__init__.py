"""What the test suite stands on: servers of its own, the application's rights, a browser."""
