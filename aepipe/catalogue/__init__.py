"""The catalogue of what ``params.yaml`` can declare: its table, and a trial of every entry."""
