"""The settings, what can be wrong with them, and the usernames to read."""
