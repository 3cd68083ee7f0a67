"""A fixed draw: which pictures stand for all of them, the same ones at every search and in every engine."""

import numpy as np
from numpy.typing import NDArray


def spread(ids: NDArray[np.int64]) -> NDArray[np.uint32]:
    """`ids` [n] mixed into 32 bits [n], different for different ids below 2³² (murmur3's finaliser, a bijection).

    The pictures with the smallest values are a sample that neither the order of import nor the engine has a say in.
    """
    mixed = ids.astype(np.uint32)
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed
