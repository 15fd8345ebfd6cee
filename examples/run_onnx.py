"""Run an exported model without torch: python examples/run_onnx.py MODEL.onnx SAMPLES.npy

The file: aepipe export --format onnx --model models:/aepipe-encoder@candidate --output MODEL.onnx
"""

import sys

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
samples = np.load(sys.argv[2], allow_pickle=False).astype(np.float32)  # scaling lies in the graph
names = [output.name for output in session.get_outputs()]
for name, values in zip(names, session.run(None, {"samples": samples}), strict=True):
    print(name, values.shape)
