"""Singer tap for whom TikTok users follow, and since when."""
