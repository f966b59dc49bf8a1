"""What tests of pages in a browser share: addresses, and dialogs that nothing should open."""

from playwright.sync_api import Page

from tests.web.conftest import Served


def no_dialogs(page: Page) -> list[str]:
    """What pages open that none of ours does."""
    opened: list[str] = []

    def note(dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    return opened


def url_of(served: Served, path: str) -> str:
    return served.url.rstrip("/") + path
