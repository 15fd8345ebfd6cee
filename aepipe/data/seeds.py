"""Named randomness: each purpose has its own stream, so that adding one disturbs no other."""

import hashlib


def derive(seed: int, purpose: str) -> int:
    """Give the seed of ``purpose``, 63 bits, from the pipeline's seed and the name."""
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
