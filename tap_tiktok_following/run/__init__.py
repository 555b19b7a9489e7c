"""One run of one provider: many following lists at once, each read page by page."""
