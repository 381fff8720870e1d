"""Integrations, one folder for each; an extra installs the packages it needs (`pip install 'miniagents[openai]'`)."""

from typing import TYPE_CHECKING

from miniagents._lazy import teaching

if not TYPE_CHECKING:  # for checkers this would allow any name
    __getattr__ = teaching(__name__)
