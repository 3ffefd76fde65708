import pytest

from tools.upgrade import links, trees
from tools.upgrade.__main__ import DEFAULT, script_for
from tools.upgrade.problem import Problem


def test_the_default_commit_has_its_script():
    assert script_for(DEFAULT + "0" * 33).name == f"old_{DEFAULT}.py"


def test_a_commit_without_a_script_is_refused():
    with pytest.raises(Problem, match="no old_0000000.py"):
        script_for("0" * 40)


def test_a_commit_that_cannot_be_had_is_refused(monkeypatch):
    asked = []

    def git(*arguments):
        asked.append(arguments[0])
        if arguments[:2] == ("rev-parse", "--verify"):
            raise Problem("unknown revision")
        return b"false"

    monkeypatch.setattr(trees, "git", git)
    with pytest.raises(Problem, match="Neither this clone nor its origin has the commit 0000000"):
        trees.find_commit("0000000")
    assert "fetch" in asked


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("survey", f"/mail/survey/7/{'a' * 64}/"),
        ("survey stop", f"/mail/survey/7/stop/{'a' * 64}/"),
        ("progress stop", f"/mail/stop/7/{'a' * 64}/"),
        ("invitation", f"/join/7/{'a' * 64}/"),
        ("password reset", f"/accounts/password/reset/key/7-d3x9.{'a' * 64}/"),
    ],
)
def test_only_its_own_kind_finds_a_link(name, path):
    text = f"Open http://127.0.0.1:8000{path}?score=9 now."
    found = {kind.name: links.find(kind, text, "http://127.0.0.1:8000") for kind in links.KINDS}
    assert found == {kind.name: None for kind in links.KINDS} | {name: f"http://127.0.0.1:8000{path}"}
