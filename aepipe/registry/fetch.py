"""From the name of a registered version, or a folder, to the trained model that lies there."""

from pathlib import Path
from tempfile import TemporaryDirectory

from aepipe.consume.trained import CHECKSUMS, Trained, open_trained
from aepipe.errors import ArtifactError
from aepipe.files import digest_files
from aepipe.registry.addresses import REGISTRY, download, find_version
from aepipe.tracking.server import allow_transfers, connect, reached

CHECKSUMS_TAG = "aepipe.checksums"  # of the checksums; the registry keeps it, apart from the files


def open_model(where: str, dataset: Path) -> Trained:
    """Open a trained model, once its bytes have been compared with what was registered.

    Args:
        where: ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``, or a folder as
            :func:`open_trained` takes it.
        dataset: folder of the dataset, for a folder of the pipeline's.

    Raises:
        ArtifactError: there is no such model, or it is damaged.
        RegistryError: the registry can't be reached, or has no such version.
    """
    if not where.startswith(REGISTRY):
        return open_trained(Path(where), dataset)
    client = connect()
    allow_transfers()
    with TemporaryDirectory() as place:
        with reached():
            version = find_version(client, where)
            folder = download(version, Path(place))
            logged = client.get_logged_model(str(version.source).removeprefix(REGISTRY))
        trained = open_trained(folder, dataset)
        recorded = logged.tags.get(CHECKSUMS_TAG)
        found = digest_files(folder / "artifacts", [folder / "artifacts" / CHECKSUMS])
        if recorded != found:
            raise ArtifactError(
                f"{where}: its {CHECKSUMS} is not the one that the registry knows (checksum "
                f"{found}, expected {recorded}); delete the version and `aepipe register` makes it "
                "again"
            )
        return trained
