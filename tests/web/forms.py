"""The forms of a page, as a person finds them: by what is written on the button."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Form:
    """Where it goes, what it sends, and what its button says to those who only hear it."""

    action: str
    method: str
    label: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._button: list[str] | None = None
        self._area = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            method = given.get("method", "get")
            self.found.append(Form(given["action"], method, given.get("aria-label", "")))
        elif tag == "input" and self.found:
            self.found[-1].fields[given.get("name", "")] = given.get("value", "")
        elif tag == "textarea":
            self._area = given["name"]
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select and "selected" in given:
            self.found[-1].fields[self._select] = given["value"]
        elif tag == "button" and self.found:
            self._button = [given.get("aria-label", "")]

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button.append(data.strip())
        elif self._area:
            self.found[-1].fields[self._area] = data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None:
            name, *text = self._button
            self.found[-1].buttons.append(name or " ".join(text))
            self._button = None
        elif tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""


def forms_of(page: str) -> list[Form]:
    """All forms of a page that change something."""
    parser = _Forms()
    parser.feed(page)
    return [form for form in parser.found if form.method == "post"]


def acts_of(page: str) -> list[str]:
    """What may be done on a page: the words of the buttons that change something."""
    return [button for form in forms_of(page) for button in form.buttons]


def press(client: Any, path: str, button: str, **fields: str) -> Any:
    """Open a page, fill in the form with this button, and press it."""
    page = client.get(path)
    assert page.status_code == 200, page.text
    (form,) = [form for form in forms_of(page.text) if button in form.buttons]
    assert not fields.keys() - form.fields.keys(), "no such field"
    return client.post(form.action, data=form.fields | fields)


def pressed(client: Any, path: str, button: str, **fields: str) -> str:
    """The page that one comes to by pressing a button."""
    answer = press(client, path, button, **fields)
    assert answer.status_code == 303, answer.text
    return str(client.get(answer.headers["location"]).text)
