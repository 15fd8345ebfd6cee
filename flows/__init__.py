"""Prefect flows over the pipeline that ``dvc.yaml`` describes."""

import os

# Prefect reads its settings when it is imported, which is after this, and its temporary server
# inherits them. What is set outside wins.
os.environ.setdefault("DO_NOT_TRACK", "true")  # no usage statistics
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
# The temporary server needs about 8 s on an idle machine; Prefect gives it 20 by default.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
