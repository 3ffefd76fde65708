"""Fixtures for tests in a real Chromium: its path, a page that fails the test on any error, sign-in, axe."""

import os
import shutil
import warnings
from pathlib import Path

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Answers that a form gives on purpose; Chromium writes a console error for each.
EXPECTED = ("status of 422", "status of 409")


def find_chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    home = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    own = sorted(home.glob("chromium-*/chrome-linux*/chrome")) + sorted(
        home.glob("chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium")
    )
    return str(own[-1]) if own else None


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if "page" in getattr(item, "fixturenames", ()) or "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


def pytest_terminal_summary(terminalreporter, config):
    told = [
        words
        for report in terminalreporter.stats.get("passed", [])
        for key, words in report.user_properties
        if key == "told"
    ]
    if told:
        terminalreporter.write_sep("-", "seconds, keys and clicks of frequent actions")
        for words in told:
            terminalreporter.write_line(words)
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if "no Chromium" in str(report.longrepr)]
    if skipped:
        terminalreporter.write_sep("!", "THE BROWSER TESTS DID NOT RUN", red=True, bold=True)
        terminalreporter.write_line(
            f"{len(skipped)} browser tests were skipped because no Chromium was found. Install one (Debian: apt-get install chromium), "
            "or set CHROMIUM to its path.",
            red=True,
        )


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = find_chromium()
    if path is None and in_ci():
        pytest.fail("no Chromium was found, and with CI=true the browser tests have to run", pytrace=False)
    if path is None:
        pytest.skip("no Chromium was found")
    return path


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args, chromium_path):
    # Playwright's loop runs in the thread that the tests use the database from
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    return browser_type_launch_args | {"executable_path": chromium_path, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return browser_context_args | {
        "locale": "en-GB",
        "reduced_motion": "reduce",
        "viewport": {"width": 1440, "height": 900},
    }


@pytest.fixture
def browser_problems() -> list[str]:
    """Console errors, script errors and policy violations of the test's pages. A test that means one clears the list."""
    return []


@pytest.fixture
def context(context, browser_problems):
    def on_console(message):
        if message.type == "error" and not any(text in message.text for text in EXPECTED):
            browser_problems.append(f"console: {message.text} ({message.location.get('url', '')})")

    context.on("console", on_console)
    context.on("weberror", lambda error: browser_problems.append(f"script: {error.error}"))
    context.set_default_timeout(10_000)
    return context


@pytest.fixture
def page(context, browser_problems):
    """A page; the test fails when it or a page opened from it wrote an error to the console or broke the content security policy."""
    page = context.new_page()
    yield page
    assert not browser_problems, "the browser reported:\n" + "\n".join(browser_problems)


@pytest.fixture
def sign_in(context, live_server, client):
    """sign_in(user): the browser holds a session of this user from here on."""

    def _sign_in(user):
        client.force_login(user)
        cookie = client.cookies["sessionid"]
        context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": live_server.url}])
        return user

    return _sign_in


@pytest.fixture
def assert_accessible():
    """assert_accessible(page): axe-core finds nothing on the page as it is now."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  only where a browser test asks for it

    def _assert_accessible(page):
        # axe does not check WCAG 2.2 target sizes by default
        rules = {"target-size": {"enabled": True}}
        results = Axe().run(page, options={"resultTypes": ["violations"], "rules": rules})
        assert results.violations_count == 0, results.generate_report()

    return _assert_accessible


def drag_card(page, card, to):
    """Drag a card of a board to a column, with steps, as a hand does."""
    page.locator(".board-cards").first.wait_for()
    for _try in range(100):  # the page's policy forbids the browser to wait for a condition
        if page.evaluate("Boolean(window.Sortable)"):
            break
        page.wait_for_timeout(50)
    page.wait_for_timeout(100)
    start, end = (
        page.locator(f".board-card:has-text('{card}')").bounding_box(),
        page.locator(f"#cards-{to}").bounding_box(),
    )
    page.mouse.move(start["x"] + 40, start["y"] + start["height"] - 6)
    page.mouse.down()
    page.mouse.move(start["x"] + 46, start["y"] + start["height"] + 6, steps=4)
    page.mouse.move(end["x"] + 60, end["y"] + 60, steps=12)
    page.wait_for_timeout(150)
    page.mouse.up()


if __name__ == "__main__":
    print(find_chromium() or "")
