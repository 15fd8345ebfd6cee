"""Exact principal component analysis in one pass over data of any size: the baseline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from aepipe.data.parts import UNREADABLE, Array
from aepipe.errors import ArtifactError, ContractError
from aepipe.files import FORMAT, read_description, write_json

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class PCA:
    """The leading principal components, from which every smaller analysis is read off.

    Attributes:
        shape: of one sample.
        code_sizes: numbers of components at which it serves as a baseline, ascending.
        mean: of each feature, ``(features,)``.
        components: orthonormal rows, ``(max(code_sizes), features)``, by falling variance.
        explained_variance: along every principal axis, falling, ``(features,)``.
    """

    shape: tuple[int, ...]
    code_sizes: tuple[int, ...]
    mean: Float64
    components: Float32
    explained_variance: Float64

    def encode(self, features: Array, size: int) -> Float32:
        """Project samples ``(n, *shape)`` onto the first ``size`` components, ``(n, size)``."""
        # centred in float64, so that a mean far from 0 costs no digits
        centred = (features.reshape(len(features), -1) - self.mean).astype(np.float32)
        codes: Float32 = centred @ self.components[:size].T
        return codes

    def decode(self, codes: Array) -> Float32:
        """Map codes ``(n, size)`` of any size up to the largest back to samples ``(n, *shape)``."""
        centred = codes @ self.components[: codes.shape[1]]
        samples: Float32 = (centred + self.mean).astype(np.float32)
        return samples.reshape(len(codes), *self.shape)


@final
@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean ``(features,)`` and centred scatter ``(features, features)`` of some rows."""

    count: int
    mean: Float64
    scatter: Float64


def moments(rows: Array) -> Moments:
    """Take the moments of ``(n, features)`` rows, in float64."""
    exact = rows.astype(np.float64)
    mean = exact.mean(axis=0)
    exact -= mean
    return Moments(len(exact), mean, exact.T @ exact)


def merge(first: Moments, second: Moments) -> Moments:
    """Give the moments of the rows of both.

    Chan, Golub and LeVeque (1983), The American Statistician 37:242, eq. 2.1, for a matrix.
    Nothing is subtracted from a large sum of squares, so a mean far from 0 does no harm.
    """
    count = first.count + second.count
    difference = second.mean - first.mean
    mean = first.mean + difference * (second.count / count)
    between = np.outer(difference, difference) * (first.count * second.count / count)
    return Moments(count, mean, first.scatter + second.scatter + between)


def fit_pca(blocks: Iterable[Array], code_sizes: Sequence[int]) -> PCA:
    """Find the principal components of all rows, reading each block once.

    Costs O(rows x features^2) time and O(features^2) memory, whatever the number of rows. The
    sign of a component is such that its entry of largest magnitude is positive. Runs in one
    thread: with several, the last bits would depend on how many cores there are.

    Args:
        blocks: of samples ``(n, *shape)``, scaled; at least one sample in all.
        code_sizes: numbers of components wanted; at least one.

    Raises:
        ContractError: there is no sample, or not every value is finite.
    """
    with threadpool_limits(1, user_api="blas"):
        total, shape = _moments_of_all(blocks)
        variances, axes = scipy.linalg.eigh(total.scatter / max(1, total.count - 1))
    sizes = tuple(sorted(set(code_sizes)))
    components = axes[:, ::-1].T[: sizes[-1]]  # eigh's are columns, by rising variance
    return PCA(
        shape=shape,
        code_sizes=sizes,
        mean=total.mean,
        components=np.ascontiguousarray(_with_sign(components), np.float32),
        explained_variance=np.maximum(variances[::-1], 0.0),  # rounding takes a 0 below 0
    )


def save_pca(folder: Path, pca: PCA) -> None:
    """Write ``model.json`` and the three arrays; equal analyses give equal bytes."""
    write_json(
        folder / "model.json",
        {
            "format": FORMAT,
            "kind": "pca",
            "shape": list(pca.shape),
            "code_sizes": list(pca.code_sizes),
        },
    )
    np.save(folder / "mean.npy", pca.mean, allow_pickle=False)
    np.save(folder / "components.npy", pca.components, allow_pickle=False)
    np.save(folder / "explained_variance.npy", pca.explained_variance, allow_pickle=False)


def load_pca(folder: Path) -> PCA:
    """Read what :func:`save_pca` wrote.

    Raises:
        ArtifactError: a file is missing or damaged, or they do not fit together.
    """
    described = read_description(folder / "model.json")
    kind = described.get("kind")
    if kind != "pca":
        raise ArtifactError(f"{folder / 'model.json'}: kind {kind!r} where 'pca' was expected")
    shape, sizes = tuple(described["shape"]), tuple(described["code_sizes"])
    features = int(np.prod(shape))
    return PCA(
        shape=shape,
        code_sizes=sizes,
        mean=_array(folder / "mean.npy", (features,)),
        components=_array(folder / "components.npy", (max(sizes), features)),
        explained_variance=_array(folder / "explained_variance.npy", (features,)),
    )


def _moments_of_all(blocks: Iterable[Array]) -> tuple[Moments, tuple[int, ...]]:
    total: Moments | None = None
    shape: tuple[int, ...] = ()
    for block in blocks:
        if len(block):
            shape = tuple(block.shape[1:])
            held = moments(block.reshape(len(block), -1))
            total = held if total is None else merge(total, held)
    if total is None:
        raise ContractError("PCA was given no sample; the training split must not be empty")
    if not np.isfinite(total.scatter).all():
        raise ContractError(
            "PCA was given features that are not finite; remove or replace them in the data source"
        )
    return total, shape


def _with_sign(components: Float64) -> Float64:
    largest = np.abs(components).argmax(axis=1)
    signs: Float64 = np.sign(components[np.arange(len(components)), largest])
    return components * signs[:, None]


def _array(path: Path, shape: tuple[int, ...]) -> Array:
    try:
        array: Array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; `dvc checkout` restores it") from None
    except UNREADABLE as error:
        raise ArtifactError(
            f"{path}: not a readable array ({error}); `dvc checkout` restores it"
        ) from None
    if array.shape != shape:
        raise ArtifactError(
            f"{path}: shape {array.shape} where model.json beside it says {shape}; "
            "`dvc checkout` restores both"
        )
    return array
