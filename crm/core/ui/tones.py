"""The tones of states. The owner of a state machine declares them in its `hooks.py`; undeclared states are grey."""

_tones: dict[str, str] = {}


def declare(**tones: str) -> None:
    """{state: "green", "blue", "amber", "red" or "violet"}. Raises ValueError if a state already has another tone."""
    for state, tone in tones.items():
        if _tones.setdefault(state, tone) != tone:
            raise ValueError(f"The state {state!r} is {_tones[state]} already")


def tone_of(state: str) -> str:
    return _tones.get(state, "")
