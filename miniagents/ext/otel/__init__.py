"""Spans and metrics of agents, tools and models for OpenTelemetry.

`pip install 'miniagents[otel]'` installs its API; the program chooses SDK and exporter.
"""

from miniagents.ext.otel.spanning import spans

__all__ = ["spans"]
