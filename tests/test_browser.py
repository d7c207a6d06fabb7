"""The browser that other tests read pages with misses nothing that they rely on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import Reader

pytestmark = pytest.mark.slow

HARMLESS = "<!doctype html><meta charset=utf-8><link rel=icon href=data:,><title>A page</title>"


def page(folder: Path, body: str) -> Path:
    path = folder / "page.html"
    path.write_text(HARMLESS + body, encoding="utf-8")
    return path


def test_a_page_that_does_nothing_wrong_is_read(browser: Reader, tmp_path: Path) -> None:
    visit = browser.visit(page(tmp_path, "<p>Bonjour"))
    assert visit.page.inner_text("p") == "Bonjour"
    assert (visit.errors, visit.elsewhere) == ([], [])
    visit.screenshot(tmp_path / "seen.png")
    assert (tmp_path / "seen.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<script>throw new Error('thrown')</script>", "thrown"),
        ("<script>console.error('logged')</script>", "logged"),
        ("<script>Promise.reject(new Error('rejected'))</script>", "rejected"),
        ("<script>alert('shown')</script>", "shown"),
        ("<img src=missing.png>", "ERR_FILE_NOT_FOUND"),
    ],
)
def test_an_error_of_a_page_is_noted(body: str, said: str, browser: Reader, tmp_path: Path) -> None:
    visit = browser.visit(page(tmp_path, body))
    assert said in " ".join(visit.errors)


@pytest.mark.parametrize(
    "body",
    [
        "<img src=https://elsewhere.test/1>",
        "<link rel=stylesheet href=//elsewhere.test/1>",
        "<script>fetch('https://elsewhere.test/1').catch(() => 0)</script>",
        "<iframe src=http://elsewhere.test/1></iframe>",
        "<script>window.open('http://elsewhere.test/1')</script>",
        "<script>new WebSocket('ws://elsewhere.test/1')</script>",
    ],
)
def test_what_a_page_asks_for_elsewhere_is_noted(
    body: str, browser: Reader, tmp_path: Path
) -> None:
    visit = browser.visit(page(tmp_path, body))
    assert [url.split("/")[2] for url in visit.elsewhere] == ["elsewhere.test"]
