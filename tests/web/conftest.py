"""What the tests of the web share."""

from tests.web.browser import browser, page, visitor

__all__ = ["browser", "page", "visitor"]
