"""Ask a served model: python examples/ask_over_http.py http://127.0.0.1:5001 SAMPLES.npy

The server: aepipe serve --model models:/aepipe-classifier@candidate --port 5001
"""

import json
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np

address, path = sys.argv[1:]
samples = np.load(path, allow_pickle=False)
body = json.dumps({"inputs": samples.tolist()}).encode()
request = Request(f"{address}/invocations", body, {"Content-Type": "application/json"})  # noqa: S310
try:
    with urlopen(request) as answer:  # noqa: S310 (the address is the user's own)
        predictions = json.load(answer)["predictions"]
except HTTPError as refused:  # 400: the message says what was expected
    sys.exit(json.load(refused)["message"])
print({name: np.shape(values) for name, values in predictions.items()})
