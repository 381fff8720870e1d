"""The picture of a run: one HTML file that needs nothing else, with a lane for each call."""

from miniagents.picturing.drawn_calls import DrawnCall, drawn
from miniagents.picturing.pacing import Pace
from miniagents.picturing.page import html_frame, html_page

__all__ = ["DrawnCall", "Pace", "drawn", "html_frame", "html_page"]
