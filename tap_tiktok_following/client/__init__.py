"""One page of one list: rate limit, retries and access token."""
