"""What stands in static/vendor is what the manifest says, with version, licence and hash."""

import hashlib
import json
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[4] / "static"
MANIFEST = json.loads((STATIC / "vendor" / "manifest.json").read_text())
FILES = [(library["name"], file) for library in MANIFEST["libraries"] for file in library["files"]]


@pytest.mark.parametrize(("name", "file"), FILES, ids=[file["path"] for _name, file in FILES])
def test_file_has_the_hash_of_the_manifest(name, file):
    assert hashlib.sha256((STATIC / file["path"]).read_bytes()).hexdigest() == file["sha256"], name


@pytest.mark.parametrize("library", MANIFEST["libraries"], ids=lambda library: library["name"])
def test_library_names_version_and_licence(library):
    assert re.fullmatch(r"\d+\.\d+\.\d+", library["version"])
    assert library["licence"]
    assert len((STATIC / library["licence_text"]).read_text()) > 300


def test_no_vendored_file_is_missing_from_the_manifest():
    listed = {file["path"] for _name, file in FILES}
    held = {*(STATIC / "vendor").glob("*.js"), *(STATIC / "vendor").glob("*.css"), *(STATIC / "fonts").glob("*.woff2")}
    assert {str(path.relative_to(STATIC)) for path in held} <= listed


def test_htmx_stays_at_two():
    versions = {library["name"]: library["version"] for library in MANIFEST["libraries"]}
    assert versions["htmx.org"].startswith("2.0.")


def test_no_source_map_is_asked_for():
    """A map that is not shipped would stop the hashed static files from being made."""
    for _name, file in FILES:
        if file["path"].endswith((".js", ".css")):
            assert b"sourceMappingURL" not in (STATIC / file["path"]).read_bytes()


def test_the_sprite_holds_the_listed_icons():
    lines = (line.split("#")[0] for line in (STATIC / "icons" / "icons.txt").read_text().splitlines())
    listed = {name for line in lines for name in line.split()}
    held = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons" / "sprite.svg").read_text()))
    assert held == listed


def test_every_icon_a_template_names_is_in_the_sprite():
    root = STATIC.parent
    held = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons" / "sprite.svg").read_text()))
    for template in root.glob("**/templates/**/*.html"):
        if ".venv" in template.parts:
            continue
        for name in re.findall(r'{% icon "([a-z0-9-]+)"', template.read_text()):
            assert name in held, f"{template.relative_to(root)}: {name}"
