"""Image files in folders, one folder per class; decoded block by block."""

import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from aepipe.data.sources.source import BYTE_RANGE, SourceData, encode_labels, require_folder
from aepipe.errors import SourceError
from aepipe.params.data import FolderSource

KEY = "data.source.path"
SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
DEEP = ("I", "F")  # starts of Pillow's modes with more than 8 bits, which it would clip
DAMAGED = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises


def open_folder(config: FolderSource) -> SourceData:
    """List the images; classes and files are taken in the order of their names.

    Raises:
        SourceError: a class is empty, or something lies there that is no image.
    """
    folder = require_folder(Path(config.path), KEY)
    paths = [path for name in _class_folders(folder) for path in _images(name)]
    names = np.array([path.parent.name for path in paths])
    labels, classes = encode_labels(names, str(folder))
    return SourceData(
        where=str(folder),
        shape=(config.channels, config.height, config.width),
        ids=[path.relative_to(folder).as_posix() for path in paths],
        blocks=partial(_blocks, paths, config),
        labels=labels,
        classes=classes,
        bounds=BYTE_RANGE,
    )


def read_image(path: Path, config: FolderSource) -> NDArray[np.uint8]:
    """Decode one image, upright and in the declared size.

    Returns:
        ``(channels, height, width)``, 0 to 255.

    Raises:
        SourceError: it is damaged or has more than 8 bits per channel.
    """
    image = open_image(path, config.channels)
    size = (config.width, config.height)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)  # Pillow's is antialiased
    return np.asarray(image, np.uint8).reshape(config.height, config.width, -1).transpose(2, 0, 1)


def open_image(path: Path, channels: int) -> Image.Image:
    """Decode one image, upright and in its own size, as grey (1 channel) or colour (3).

    Raises:
        SourceError: it is damaged or has more than 8 bits per channel.
    """
    mode = "L" if channels == 1 else "RGB"
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as opened:
            # the warnings are about metadata that is not used here, and about large images
            if opened.mode.startswith(DEEP):
                raise SourceError(
                    f"{path}: mode {opened.mode}, more than 8 bits per channel; expected 8; "
                    "convert it, or supply the images as an npz archive"
                )
            return ImageOps.exif_transpose(opened).convert(mode)
    except DAMAGED as error:
        raise SourceError(
            f"{path}: not a readable image ({error}); expected a whole "
            f"{path.suffix.removeprefix('.')} file; replace or remove it"
        ) from None


def _class_folders(folder: Path) -> list[Path]:
    entries = _visible(folder)
    folders = [path for path in entries if path.is_dir()]
    if not folders:
        what = f"{len(entries)} files" if entries else "nothing"
        raise SourceError(
            f"{folder}: holds {what}; expected one subfolder of images per class; "
            f"sort the images into subfolders, or set {KEY}"
        )
    if len(folders) < len(entries):
        stray = next(path for path in entries if path not in folders)
        raise SourceError(
            f"{stray}: lies beside the folders of the classes; expected subfolders alone; move it "
            "into the subfolder of its class or away"
        )
    return folders


def _images(folder: Path) -> list[Path]:
    entries = _visible(folder)
    if not entries:
        raise SourceError(
            f"{folder}: empty; expected the images of class {folder.name!r}; fill or remove it"
        )
    for path in entries:
        if path.is_dir() or path.suffix.lower() not in SUFFIXES:
            what = "a folder" if path.is_dir() else "no image"
            raise SourceError(
                f"{path}: {what}; expected the images of class {folder.name!r} "
                f"({', '.join(sorted(SUFFIXES))}); move it away"
            )
    return entries


def _visible(folder: Path) -> list[Path]:
    """Give what the folder holds, in order, but for hidden files such as ``.DS_Store``."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _blocks(paths: list[Path], config: FolderSource, rows: int) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(paths), rows):
        yield np.stack([read_image(path, config) for path in paths[start : start + rows]])
