"""A declarative pipeline for representation learning."""
