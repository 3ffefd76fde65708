"""Brings the front-end libraries and the icon sprite into static/.

    python tools/vendor.py icons        rebuild static/icons/sprite.svg from static/icons/icons.txt
    python tools/vendor.py unused       list the icons that no template, module or script mentions
    python tools/vendor.py libraries    fetch every library at its pinned version, write the manifest

Packages come through the ordinary npm client (`npm pack`), into a temporary folder. `--from FOLDER` reads a
node_modules folder that is already there instead. Source-map comments are removed, because the maps are not shipped
and hashed static file names would otherwise fail on them; the sha256 in the manifest is that of the file as it stands.
"""

import argparse
import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
ICON_LIST = STATIC / "icons" / "icons.txt"
SPRITE = STATIC / "icons" / "sprite.svg"

# name, version, licence, licence file, {file in the package: path below static/}
LIBRARIES = [
    ("htmx.org", "2.0.11", "0BSD", "LICENSE", {"dist/htmx.min.js": "vendor/htmx.min.js"}),
    ("idiomorph", "0.8.0", "0BSD", "LICENSE", {"dist/idiomorph-ext.min.js": "vendor/idiomorph-ext.min.js"}),
    ("bootstrap", "5.3.9", "MIT", "LICENSE", {"dist/css/bootstrap.min.css": "vendor/bootstrap.min.css"}),
    ("sortablejs", "1.15.7", "MIT", "LICENSE", {"Sortable.min.js": "vendor/sortable.min.js"}),
    (
        "tom-select",
        "2.6.2",
        "Apache-2.0",
        "LICENSE",
        {
            "dist/js/tom-select.popular.min.js": "vendor/tom-select.min.js",
            "dist/css/tom-select.min.css": "vendor/tom-select.min.css",
        },
    ),
    ("chart.js", "4.6.1", "MIT", "LICENSE.md", {"dist/chart.umd.min.js": "vendor/chart.umd.min.js"}),
    ("bootstrap-icons", "1.13.2", "MIT", "LICENSE", {}),
    (
        "@fontsource-variable/inter",
        "5.3.0",
        "OFL-1.1",
        "LICENSE",
        {
            "files/inter-latin-wght-normal.woff2": "fonts/inter-latin-wght-normal.woff2",
            "files/inter-latin-ext-wght-normal.woff2": "fonts/inter-latin-ext-wght-normal.woff2",
        },
    ),
]
VERSIONS = {name: version for name, version, *_ in LIBRARIES}
SOURCE_MAP = re.compile(rb"(?m)\n?(//# sourceMappingURL=\S*|/\*# sourceMappingURL=.*?\*/)\s*$")


def package_folder(name: str, work: Path, source: Path | None) -> Path:
    """The unpacked package `name` at its pinned version."""
    if source:
        folder = source / name
        found = json.loads((folder / "package.json").read_text())["version"]
        if found != VERSIONS[name]:
            raise SystemExit(f"{folder} holds {name} {found}; {VERSIONS[name]} is wanted.")
        return folder
    packed = subprocess.run(
        ["npm", "pack", "--silent", f"{name}@{VERSIONS[name]}"], cwd=work, check=True, capture_output=True, text=True
    )
    target = work / name.replace("/", "-")
    with tarfile.open(work / packed.stdout.strip().splitlines()[-1]) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def icon_names() -> list[str]:
    lines = (line.split("#")[0].strip() for line in ICON_LIST.read_text().splitlines())
    return sorted({name for line in lines for name in line.split()})


def build_sprite(folder: Path) -> None:
    symbols = []
    for name in icon_names():
        file = folder / "icons" / f"{name}.svg"
        if not file.exists():
            raise SystemExit(f"bootstrap-icons has no icon “{name}”; mend {ICON_LIST.relative_to(ROOT)}.")
        body = re.search(r"<svg[^>]*>(.*)</svg>", file.read_text(), re.S)
        paths = re.sub(r"\s*\n\s*", "", body.group(1))
        symbols.append(f'<symbol id="{name}" viewBox="0 0 16 16">{paths}</symbol>')
    SPRITE.write_text('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n")
    print(f"{SPRITE.relative_to(ROOT)}: {len(symbols)} icons")


def unused_icons() -> list[str]:
    folders = ["crm", "clients", "interactions", "onboarding", "portal", "reports", "templates", "static/js"]
    files = [
        file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".html", ".js")
    ]
    mentioned = set(re.findall(r"[\"']([a-z0-9-]+)[\"']", "\n".join(file.read_text() for file in files)))
    return [name for name in icon_names() if name not in mentioned]


def copy_libraries(work: Path, source: Path | None) -> None:
    for name, _version, _licence, licence_file, files in LIBRARIES:
        folder = package_folder(name, work, source)
        licence_target = VENDOR / "licences" / f"{name.split('/')[-1]}.txt"
        licence_target.parent.mkdir(parents=True, exist_ok=True)
        licence_target.write_bytes((folder / licence_file).read_bytes().replace(b"\r\n", b"\n"))
        for origin, path in files.items():
            content = (folder / origin).read_bytes()
            if path.endswith((".js", ".css")):
                content = SOURCE_MAP.sub(b"", content).rstrip() + b"\n"
            (STATIC / path).parent.mkdir(parents=True, exist_ok=True)
            (STATIC / path).write_bytes(content)


def write_manifest() -> None:
    entries = []
    for name, version, licence, _file, files in LIBRARIES:
        paths = sorted(files.values()) or [str(SPRITE.relative_to(STATIC))]
        entries.append(
            {
                "name": name,
                "version": version,
                "licence": licence,
                "licence_text": f"vendor/licences/{name.split('/')[-1]}.txt",
                "files": [
                    {"path": path, "sha256": hashlib.sha256((STATIC / path).read_bytes()).hexdigest()} for path in paths
                ],
            }
        )
    (VENDOR / "manifest.json").write_text(json.dumps({"libraries": entries}, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["icons", "unused", "libraries"])
    parser.add_argument("--from", dest="source", type=Path, help="a node_modules folder to read from")
    options = parser.parse_args()
    if options.what == "unused":
        print(*unused_icons(), sep="\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if options.what == "libraries":
            copy_libraries(work, options.source)
        build_sprite(package_folder("bootstrap-icons", work, options.source))
        write_manifest()


if __name__ == "__main__":
    main()
