"""Arrays and tables on disk, and where they come from. Needs no torch."""
