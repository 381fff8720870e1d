"""The vendors of language models, for programs that offer them all.

A vendor is a package in this folder, whose module `model_agents` defines `VENDOR`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miniagents.ext.llm._clients import ClientSettings, made
from miniagents.ext.llm._secrets import Hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miniagents.ext.llm._agent import ModelAgent

__all__ = ["Vendor", "vendor_called", "vendor_names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor of language models.

    Attributes:
        key_variable: The environment variable that has the key.
        create_agent: Makes an agent of a model, given its name and options.
        make_client: Makes a client of the vendor's SDK.
    """

    key_variable: str
    create_agent: Callable[..., ModelAgent[Any]]  # Any: any class of answers
    make_client: Callable[[ClientSettings], Any]  # Any: the client of any SDK

    def client(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
    ) -> Any:  # Any: the client of any SDK
        """Make a client; for an argument that is None the SDK reads the environment or has a default.

        Args:
            api_key: The key.
            base_url: The address of the server.
            max_retries: How often the SDK tries again if no answer has begun.
            default_headers: Headers of all requests.

        Raises:
            MissingSDKError: The SDK is not installed.
            MissingKeyError: There is no key.
            ModelSetupError: The SDK refuses the settings.
        """
        settings = ClientSettings(
            api_key=api_key, base_url=base_url, max_retries=max_retries, default_headers=default_headers
        )
        hidden = Hidden(settings)
        del settings, api_key, base_url, default_headers
        return made(self.make_client, hidden).reveal()


def vendor_names() -> tuple[str, ...]:
    """Return the names of all vendors, which are those of their packages."""
    return tuple(each.name for each in pkgutil.iter_modules([str(Path(__file__).parent)]) if each.ispkg)


def vendor_called(name: str) -> Vendor:
    """Return the vendor with a name.

    Raises:
        KeyError: There is no vendor of that name.
    """
    if name not in vendor_names():
        raise KeyError(name)
    vendor: Vendor = importlib.import_module(f"miniagents.ext.llm.{name}.model_agents").VENDOR
    return vendor
