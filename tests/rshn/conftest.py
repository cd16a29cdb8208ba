"""Small models with random weights."""

import pytest
import torch

from fastershift.rshn import RSHN, Model, ModelCard


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
