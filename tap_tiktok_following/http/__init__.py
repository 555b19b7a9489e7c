"""One HTTP exchange, bounded in time and size, and the JSON in its body."""
