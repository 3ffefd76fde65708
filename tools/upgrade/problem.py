"""The one exception that ends a run early."""


class Problem(Exception):
    """The run cannot go on. The text is one plain sentence, with what to do."""
