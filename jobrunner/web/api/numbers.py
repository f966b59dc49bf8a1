"""Ids in paths: `{task_id:id}` is digits, so that what is none belongs to no such route."""

from typing import ClassVar

from starlette.convertors import Convertor, register_url_convertor


class IdConvertor(Convertor[str]):
    """Digits, as many as an id may have; whether there can be such an id is asked later."""

    regex: ClassVar[str] = "[0-9]{1,19}"

    def convert(self, value: str) -> str:
        """They stay text: what is no number must not be an error of the router."""
        return value

    def to_string(self, value: str) -> str:
        """The same."""
        return value


register_url_convertor("id", IdConvertor())
