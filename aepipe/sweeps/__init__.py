"""Training many settings of one model in one program; all but builder and choice need torch alone."""
