"""What tests of corrections share: embeddings of drawn cells, and what always holds."""

import numpy as np
import pytest
import torch

from fastershift.editing import Editor, FrameVectors
from fastershift.tracking import centroids
from helpers.movies import embed
from helpers.validity import ctc_problems


def vectors_of(codes, noise=0.03, **options):
    """Embedding of one frame: code 0 is background, each cell has its own axis."""
    embedding = embed(np.asarray(codes)[None], noise=noise)[0]
    return FrameVectors(torch.from_numpy(embedding), np.shape(codes), **options)


def pairs_of(truth, **options):
    """Embeddings of frame pairs that tell the cells of a movie apart."""

    def pairs(frame):
        yield None
        yield tuple(vectors_of(one, **options) for one in truth[frame : frame + 2])

    return pairs


def spans(editor):
    """First frame, last frame and parent of each track."""
    return {t.id: (t.first, t.last, t.parent) for t in editor.lineage.tracks}


def check(editor):
    """Labels, tracks, locks and the index of cells fit each other."""
    assert ctc_problems(editor.labels, editor.lineage) == []
    fresh = Editor(editor.labels, editor.lineage).cells
    for frame in range(len(editor.labels)):
        assert editor.cells.frame(frame).keys() == fresh.frame(frame).keys()
        for label, cell in fresh.frame(frame).items():
            kept = editor.cells.frame(frame)[label]
            assert (kept.box, kept.area) == (cell.box, cell.area)
            assert (kept.y, kept.x) == pytest.approx((cell.y, cell.x))
    np.testing.assert_allclose(editor.cells.positions(), centroids(editor.labels))
    for marked in (editor.cells.locked, editor.cells.filled):
        for frame, ids in marked.items():
            assert ids <= editor.cells.frame(frame).keys()
