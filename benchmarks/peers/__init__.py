"""Programs that run the peers; they run in the peers' own environment."""
