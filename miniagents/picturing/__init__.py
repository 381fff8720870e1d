"""The picture of a run: one HTML file that needs nothing else, with a lane for each call."""
