"""A table of word counts from the sparse archive of Reuters-21578 R8, as the pipeline reads them.

    python experiments/prepare/reuters_r8.py SPARSE.npz OUTPUT.npz

SPARSE.npz has documents by words in CSR form for the two parts of the collection: ``train_data``,
``train_indices``, ``train_indptr``, ``train_shape``, ``train_y``, the same with ``test_``, and the
names ``labels``. OUTPUT.npz has ``train`` and ``test``, (documents, words), as log(1 + count), and
``train_class`` and ``test_class``, the names. A document without any of the words is left out.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

source, target = map(Path, sys.argv[1:])
arrays = {}
with np.load(source, allow_pickle=False) as sparse:
    for part in ("train", "test"):
        parts = [sparse[f"{part}_{key}"] for key in ("data", "indices", "indptr")]
        counts = csr_matrix(tuple(parts), shape=tuple(sparse[f"{part}_shape"])).toarray()
        said = counts.any(axis=1)
        arrays[part] = np.log1p(counts[said]).astype(np.float32)
        arrays[f"{part}_class"] = sparse["labels"][sparse[f"{part}_y"][said]]
target.parent.mkdir(parents=True, exist_ok=True)
np.savez_compressed(target, **arrays)
