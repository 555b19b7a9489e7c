"""What is known of every username between runs, and the order in which they are read."""
