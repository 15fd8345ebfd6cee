"""Where samples come from: one module for each family of sources, none of which loads torch."""
