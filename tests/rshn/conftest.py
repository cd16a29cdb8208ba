"""Small models with random weights."""

import pytest
import torch

from fastershift.pipeline import NetworkEmbeddings
from fastershift.rshn import RSHN, Model, ModelCard
from fastershift.rshn._streaming import Stream


@pytest.fixture(scope="session")
def make_model():
    """Make a model in memory; its outputs are as lively as those of a trained one."""

    def make(filters=4, levels=3, channels=6, diameter=20.0, seed=0):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = RSHN(filters, levels, channels)
            for name, value in network.named_parameters():
                if name.endswith("bias"):
                    torch.nn.init.normal_(value, std=0.1)
        card = ModelCard(
            name="small",
            filters=filters,
            levels=levels,
            channels=channels,
            diameter=diameter,
        )
        network = network.eval().to(memory_format=torch.channels_last)
        return Model(network, card, "small", "")

    return make


@pytest.fixture(scope="session")
def embed_pairs():
    """Embed a movie: the first frame of every pair and the embeddings of both."""

    def pairs(embedder, frames):
        found = NetworkEmbeddings(embedder, frames).pairs()
        return [(pair.frame, pair.embeddings) for pair in found if pair is not None]

    return pairs


@pytest.fixture
def network_passes(monkeypatch):
    """Shapes of the images (B, Y, X) that the network was given, pass by pass."""
    shapes, embed = [], Stream.embed

    def counted(self, images, chunk=0):
        shapes.append(tuple(images.shape))
        return embed(self, images, chunk)

    monkeypatch.setattr(Stream, "embed", counted)
    return shapes
