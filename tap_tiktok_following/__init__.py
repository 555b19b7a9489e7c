"""Singer tap that extracts who TikTok accounts follow, and when each follow happened."""
