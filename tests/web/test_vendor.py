"""What is vendored is what was published; no page and no script of ours names another host."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
WEB = ROOT / "jobrunner" / "web"
FOLDERS = (WEB / "static" / "vendor", ROOT / "tests" / "web" / "vendor")

OURS = [
    path
    for folder in (WEB / "static", WEB / "templates")
    for path in sorted(folder.rglob("*"))
    if path.is_file() and "vendor" not in path.parts
]
NAMESPACES = ("http://www.w3.org/2000/svg",)
"""Names that look like addresses; nothing is fetched from them."""


@pytest.mark.parametrize("folder", FOLDERS, ids=["pages", "tests"])
def test_each_vendored_file_is_the_one_that_was_published(folder: Path) -> None:
    packages = tomllib.loads((folder / "VENDOR.toml").read_text())["package"]
    told = {file["name"]: file["sha256"] for package in packages for file in package["file"]}
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "VENDOR.toml"
    }
    assert there == told


@pytest.mark.parametrize("folder", FOLDERS, ids=["pages", "tests"])
def test_each_vendored_package_tells_its_version_and_its_licence(folder: Path) -> None:
    for package in tomllib.loads((folder / "VENDOR.toml").read_text())["package"]:
        assert package["from"] == f"npm:{package['name']}@{package['version']}"
        assert package["licence"] in {"0BSD", "MIT", "MPL-2.0"}
        assert any("LICENSE" in file["name"] for file in package["file"])


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_no_file_of_ours_names_another_host(path: Path) -> None:
    text = path.read_text()
    for name in NAMESPACES:
        text = text.replace(name, "")
    assert re.findall(r"(?:https?:|wss?:)?//[\w-]+\.[\w.]+", text) == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_of_ours_is_inline_or_made_from_text(path: Path) -> None:
    text = path.read_text()
    inline = r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=\"|javascript:"
    made = (
        r"\beval\(|new Function|\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write|\|\s*safe"
    )
    assert re.findall(inline, text) == []
    assert re.findall(made, text) == []
    assert len(text.splitlines()) <= 400


def test_the_pages_load_little() -> None:
    files = [path for path in (WEB / "static").rglob("*") if path.suffix in {".js", ".css", ".svg"}]
    assert sum(path.stat().st_size for path in files) < 260_000
