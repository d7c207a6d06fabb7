"""Chromium as a reader has it, which notes what a page does that it should not."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Route

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MOMENT_MS = 200


def installed() -> str | None:
    """The system's Chromium or Chrome; Playwright brings none here."""
    return next((found for found in map(shutil.which, PROGRAMS) if found), None)


@dataclass
class Visit:
    """A page that was opened, and what it did meanwhile; close it when it is read.

    `errors` holds the console's errors, what no script caught, and dialogs; `elsewhere` the
    addresses that it asked for outside its own folder or server, none of which got an answer.
    """

    context: BrowserContext
    page: Page
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def go(self, target: Path | str) -> None:
        """Open a file, or an address of a server on this machine, and wait until it is loaded.

        What its scripts leave to the next moment, such as an error that no one caught, is awaited.
        """
        self.page.goto(target.as_uri() if isinstance(target, Path) else target)
        self.page.wait_for_timeout(MOMENT_MS)

    def screenshot(self, path: Path) -> None:
        """Write the whole page as a PNG."""
        self.page.screenshot(path=path, full_page=True)


class Reader:
    """A started browser; each visit is a profile of its own, without cookies or cache."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def visit(self, target: Path | str, **options: Any) -> Visit:
        """Open a page; the options are those of Playwright's `new_context`.

        Such as `viewport={"width": 390, "height": 844}`, `color_scheme="dark"` or
        `java_script_enabled=False`.
        """
        context = self.browser.new_context(**options)
        visit = Visit(context, context.new_page())

        def answer(route: Route) -> None:
            if is_here(route.request.url):
                route.continue_()
            else:
                visit.elsewhere.append(route.request.url)
                route.abort()

        def console(said: ConsoleMessage) -> None:
            if said.type == "error":
                visit.errors.append(said.text)

        def dialog(shown: Dialog) -> None:
            visit.errors.append(shown.message)
            shown.dismiss()

        context.route("**/*", answer)
        context.on("console", console)
        context.on("dialog", dialog)
        context.on("weberror", lambda raised: visit.errors.append(str(raised.error)))
        visit.page.on("websocket", lambda opened: visit.elsewhere.append(opened.url))
        visit.go(target)
        return visit


def is_here(url: str) -> bool:
    """Whether an address needs no network: a file, or a server on this machine."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        return parts.hostname in ("127.0.0.1", "localhost")
    # A file with a host is another machine's.
    return parts.scheme in ("file", "data", "blob") and not parts.netloc
