"""The training loop, its feed, devices and generators; all but the builder need torch alone."""
