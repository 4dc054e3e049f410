"""German. One line per string, in the order of the code."""

TABLE = {
    "Copy Report": "Bericht kopieren",
}
