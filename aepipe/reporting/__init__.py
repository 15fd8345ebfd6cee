"""What people look at: figures, tables, the page, the summary. No torch, no network, no clock."""
