"""Driven in a browser. A package, so that one gallery and one Chromium serve all of it and end with it."""
