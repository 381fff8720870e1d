"""The machinery that kinds of promises are built on."""
