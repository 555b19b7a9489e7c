"""One pass down one following list, as pure functions of one entry and one response."""
