"""Outputs of a network that votes, and the unit vectors that are kept of them."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from fastershift.config import EmbedSettings
from fastershift.instances import foreground_mask
from fastershift.rshn import (
    CODE_CHANNELS,
    VOTE_CHANNELS,
    Embedder,
    Model,
    ModelCard,
    Votes,
    check_channels,
    normalise_robustly,
    window_radius,
)
from fastershift.rshn import _strips as strips
from helpers.votes import SURE, kept_votes

PERIOD = 8.0
DIAMETER = 10.0


def outputs(height=13, width=17, channels=VOTE_CHANNELS, seed=0, spread=2.0):
    generator = torch.Generator().manual_seed(seed)
    return spread * torch.randn(height, width, channels, generator=generator)


def codes_of_places(places):
    """Codes (n, 5) of pixels that are surely cells and vote for places in diameters."""
    raw = torch.zeros(1, len(places), VOTE_CHANNELS)
    raw[0, :, 0] = 30.0
    columns = torch.arange(len(places)) / DIAMETER
    raw[0, :, 1] = torch.as_tensor(places)[:, 0]
    raw[0, :, 2] = torch.as_tensor(places)[:, 1] - columns
    return kept_votes(raw, DIAMETER)[:CODE_CHANNELS, 0].double().T


def cosine_distance(one, other):
    return 1 - torch.cosine_similarity(one, other, dim=-1)


def test_the_first_five_channels_are_a_unit_vector():
    kept = kept_votes(outputs(), DIAMETER)
    assert kept.shape == (CODE_CHANNELS + VOTE_CHANNELS - 1, 13, 17)
    lengths = kept[:CODE_CHANNELS].float().norm(dim=0)
    torch.testing.assert_close(lengths, torch.ones(13, 17), rtol=0, atol=2e-3)


def test_the_square_of_the_first_is_the_probability_of_background():
    raw = outputs()
    kept = kept_votes(raw, DIAMETER)
    torch.testing.assert_close(
        kept[0].float() ** 2, torch.sigmoid(-raw[..., 0]), rtol=0, atol=2e-3
    )
    # So the threshold of the foreground is one of probability.
    found = foreground_mask(kept[:CODE_CHANNELS], 0.3)
    clear = (torch.sigmoid(-raw[..., 0]) - 0.3).abs() > 0.01
    assert torch.equal(found[clear], (torch.sigmoid(-raw[..., 0]) < 0.3)[clear])


def test_the_votes_follow_as_they_are():
    raw = outputs(channels=VOTE_CHANNELS + 3)
    votes = Votes.of(kept_votes(raw, DIAMETER)[CODE_CHANNELS:].float())
    expected = raw.movedim(-1, 0)
    for found, channels in (
        (votes.own, expected[1:3]),
        (votes.previous, expected[3:5]),
        (votes.new, expected[5]),
        (votes.width, expected[6]),
        (votes.spread, expected[7]),
    ):
        torch.testing.assert_close(found, channels, rtol=1e-3, atol=1e-3)


def test_distances_of_codes_are_those_of_the_voted_places():
    generator = torch.Generator().manual_seed(3)
    places = 30 * torch.rand(40, 2, generator=generator) - 8
    codes = codes_of_places(places)
    away = 2 * math.pi * (places[:, None] - places[None]) / PERIOD
    expected = 1 - away.cos().mean(dim=-1)
    found = cosine_distance(codes[:, None], codes[None])
    torch.testing.assert_close(found.float(), expected, rtol=0, atol=4e-3)


def test_the_torus_repeats_after_its_period_and_not_before():
    steps = torch.tensor([[0.0, 0.0], [8.0, 0.0], [-16.0, 24.0], [4.0, 4.0], [4.0, 0]])
    codes = codes_of_places(steps + torch.tensor([1.3, 2.1]))
    found = cosine_distance(codes[0], codes)
    expected = torch.tensor([0.0, 0.0, 0.0, 2.0, 1.0], dtype=found.dtype)
    torch.testing.assert_close(found, expected, rtol=0, atol=4e-3)


@pytest.mark.parametrize("bandwidth", [0.002, 0.01, 0.03])
@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (0.6, 0.8)])
def test_the_radius_of_a_window_is_where_codes_are_as_far_apart(bandwidth, direction):
    radius = window_radius(bandwidth)
    away = radius * torch.tensor(direction)
    distance = 1 - (2 * math.pi * away / PERIOD).cos().mean()
    assert distance == pytest.approx(bandwidth, rel=0.015)
    assert window_radius(0.01) == pytest.approx(0.2546, abs=1e-4)


def test_pixels_that_cannot_be_used_are_background():
    raw = outputs()
    raw[..., 0] = SURE
    raw[2, 3, 0] = math.nan
    raw[4, 5, 2] = math.inf
    raw[6, 7, 7] = -math.inf
    usable = torch.ones(13, 17, dtype=torch.bool)
    usable[8:, 10] = False
    kept = kept_votes(raw, DIAMETER, usable=usable)
    assert kept.isfinite().all()
    lost = ~usable
    for place in ((2, 3), (4, 5), (6, 7)):
        lost[place] = True
    axis = torch.zeros(CODE_CHANNELS)
    axis[0] = 1
    assert (kept[:CODE_CHANNELS, lost] == axis[:, None]).all()
    assert torch.equal(foreground_mask(kept[:CODE_CHANNELS]), ~lost)


def test_nothing_infinite_is_kept_of_huge_outputs():
    raw = 1e30 * torch.ones(3, 4, VOTE_CHANNELS)
    kept = kept_votes(raw, DIAMETER)
    assert kept.isfinite().all()


def test_outputs_beyond_the_votes_may_be_anything():
    raw = outputs(channels=VOTE_CHANNELS + 2)
    plain = kept_votes(raw, DIAMETER)
    raw[..., VOTE_CHANNELS:] = math.nan
    assert torch.equal(kept_votes(raw, DIAMETER), plain)


def test_a_part_of_a_frame_is_kept_as_the_frame_is(monkeypatch):
    raw = outputs(40, 30)
    whole = kept_votes(raw, DIAMETER)
    part = kept_votes(raw[11:, 7:], DIAMETER, corner=(11, 7))
    assert torch.equal(part, whole[:, 11:, 7:])
    monkeypatch.setattr(strips, "_CPU_STRIP", 1)
    assert torch.equal(kept_votes(raw, DIAMETER), whole), "strips leave no seam"


SIZES = {"name": "m", "filters": 4, "levels": 3, "channels": 8, "diameter": 20.0}


class TestCards:
    def test_a_network_that_votes_needs_its_channels(self):
        ModelCard(**SIZES, embedding="votes")
        ModelCard(**{**SIZES, "channels": 2}, embedding="cosine")
        with pytest.raises(ValidationError, match="8 channels"):
            ModelCard(**{**SIZES, "channels": 7}, embedding="votes")
        with pytest.raises(ValidationError):
            ModelCard(**SIZES, embedding="dreams")
        check_channels("cosine", 2)
        with pytest.raises(ValueError, match="8 channels"):
            check_channels("votes", 7)

    def test_some_level_keeps_a_recurrent_unit(self):
        ModelCard(**SIZES, recurrent_from=2)
        with pytest.raises(ValidationError, match="smaller than the number of levels"):
            ModelCard(**SIZES, recurrent_from=3)

    def test_a_card_says_nothing_of_votes_unless_told(self):
        """Files that were written before there were votes hold vectors."""
        card = ModelCard.model_validate_json(ModelCard(**SIZES).model_dump_json())
        assert (card.embedding, card.recurrent_from) == ("cosine", 0)
        assert card.network().recurrent_from == 0
        assert ModelCard(**SIZES, recurrent_from=2).network().recurrent_from == 2
        assert (card.deep_filters, card.block) == (None, 1)
        other = ModelCard(**SIZES, deep_filters=7, block=2).network()
        assert (other.widths[2:], other.block) == ((7,) * (card.levels - 2), 2)
        assert other.stride == 2 * card.network().stride


@pytest.fixture(scope="module")
def voting():
    """Make a small model that votes, of a network with lively outputs."""
    torch.manual_seed(5)
    card = ModelCard(
        name="voting",
        filters=4,
        levels=2,
        channels=VOTE_CHANNELS,
        recurrent_from=1,
        embedding="votes",
        diameter=DIAMETER,
    )
    network = card.network()
    for name, value in network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(value, std=0.1)
    return Model(network.eval(), card, "voting", "")


def test_an_embedder_keeps_what_the_network_says(voting, embed_pairs):
    """As the network of the training computes it, from robustly normalised frames."""
    frames = torch.rand(3, 32, 44, generator=torch.Generator().manual_seed(1)).numpy()
    settings = EmbedSettings(diameter=DIAMETER, warmup=0, block=8, precision="float32")
    embedder = Embedder(voting, settings, (32, 44), "cpu")
    assert embedder.votes
    assert embedder.channels == CODE_CHANNELS + VOTE_CHANNELS - 1
    kept = [pair for pair in embedder.embed_block(frames, 0) if pair is not None]
    blur = min(1.0, DIAMETER / 20)
    shown = torch.stack(
        [torch.from_numpy(normalise_robustly(f, blur)[0]) for f in frames]
    )
    with torch.no_grad():
        _, raw, _ = voting.network(shown[:, None, None])
    for (number, found), wanted in zip(kept, raw[:, 0].movedim(1, -1), strict=True):
        assert found.dtype == torch.float16
        expected = kept_votes(wanted, DIAMETER)
        torch.testing.assert_close(found, expected, rtol=2e-3, atol=2e-3)
        assert number in range(3)


def test_tiles_leave_no_seam(voting):
    frames = np.random.default_rng(2).random((2, 96, 120), dtype=np.float32)

    def embedded(**tiles):
        settings = EmbedSettings(
            diameter=DIAMETER, warmup=0, precision="float32", **tiles
        )
        steps = Embedder(voting, settings, (96, 120), "cpu").embed_block(frames, 0)
        return torch.stack([step[1] for step in steps if step is not None])

    whole, tiled = embedded(tile=0), embedded(tile=64, tile_overlap=56)
    torch.testing.assert_close(tiled, whole, rtol=2e-3, atol=2e-3)
