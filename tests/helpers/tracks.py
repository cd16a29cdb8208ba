"""Linked frames and final tracks of a whole movie that is held in memory."""

import numpy as np

from fastershift.tracking import Finalizer


def stack_of(linker):
    """Take all linked frames out of a linker, (T, Y, X) int32."""
    return np.stack(linker.release(settled=False))


def finalize(stack, settings, *, published=False, border=None):
    """Turn linked frames into labels and lineage; border as rows and columns."""
    finalizer = Finalizer(settings, published=published)
    if border is not None:
        finalizer._evidence.border = border
    for frame in stack:
        finalizer.add(frame)
    names, lineage = finalizer.finish()
    return np.stack([names.apply(*timed) for timed in enumerate(stack)]), lineage
