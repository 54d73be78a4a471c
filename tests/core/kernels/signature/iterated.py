"""Signatures by brute force: iterated integrals summed over all choices of segments."""

import itertools
import math
from collections import Counter

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

__all__ = ["integrals", "words"]


def words(depth: int) -> list[tuple[int, ...]]:
    """All words over {0, 1} up to a length: by length, then lexicographic."""
    return [w for k in range(1, depth + 1) for w in itertools.product((0, 1), repeat=k)]


def integrals(segments: Float64[ndarray, "segments 2"], depth: int) -> Float64[ndarray, " terms"]:
    """One number a word: over times t1 < ... < tk, the integral of dx_w1(t1) ... dx_wk(tk).

    On a path of straight segments: each letter picks a segment, in order; k letters that pick
    the same one share its simplex, of volume 1 / k!.
    """
    values = []
    for word in words(depth):
        total = 0.0
        for chosen in itertools.combinations_with_replacement(range(len(segments)), len(word)):
            product = math.prod(segments[s, w] for s, w in zip(chosen, word, strict=True))
            total += product / math.prod(math.factorial(n) for n in Counter(chosen).values())
        values.append(total)
    return np.array(values)
