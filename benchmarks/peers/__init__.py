"""The peers, as their users write them; dlt runs in an environment of its own."""
