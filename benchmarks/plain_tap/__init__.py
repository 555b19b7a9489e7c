"""A tap as singer-sdk's template makes it, for comparison: one partition per username."""
