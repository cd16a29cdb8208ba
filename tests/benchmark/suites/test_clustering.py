"""Speed and agreement of one clustering: the floor, the ratios, and whose is worst."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fastershift.benchmark import BenchmarkOptions, _data, run_suite
from fastershift.benchmark._data import blobs, frame_pair
from fastershift.benchmark.suites import _clustering
from fastershift.benchmark.suites._clustering import _Case, _measured, _one_pass

QUICK = BenchmarkOptions(quick=True, device="cpu")


@pytest.mark.parametrize("block", [8, 2**17])
def test_one_pass_gives_every_point_its_nearest_mode(monkeypatch, block):
    monkeypatch.setattr(_clustering, "_BLOCK", block)
    generator = torch.Generator().manual_seed(0)
    points, modes = (
        torch.nn.functional.normalize(torch.randn(n, 6, generator=generator), dim=1)
        for n in (101, 7)
    )
    expected = (points @ modes.T).argmax(dim=1)
    assert torch.equal(_one_pass(points, modes), expected)


def case(name="case", **figures):
    usual = {
        "points": 1000,
        "clusters": 10,
        "published": 8.0,
        "ours": 0.05,
        "reseeded": 0.06,
        "product": 0.01,
        "floor": 0.02,
        "ari": 1.0,
        "ari_published": None,
    }
    return _Case(name, **(usual | figures))


def test_ratios_of_a_case_follow_from_its_seconds():
    row = dict(zip(_clustering._COLUMNS, case().row, strict=True))
    assert row["published (s)"] == 8.0
    assert row["ours (ms)"] == pytest.approx(50)
    assert row["ours, re-seeding (ms)"] == pytest.approx(60)
    assert (row["product (ms)"], row["floor (ms)"]) == pytest.approx((10, 20))
    assert row["published / ours"] == pytest.approx(160)
    assert row["ours / product"] == pytest.approx(5)
    assert row["ours / floor"] == pytest.approx(2.5)


def test_the_worst_case_counts(monkeypatch):
    small = blobs(200, 18, 0)
    cases = iter(
        [
            case("simulated", ari=0.99),
            case("pair", ours=0.1, product=0.04, ari=0.97, ari_published=0.98),
        ]
    )
    # In the quick form, too, the sizes are those that are stated.
    asked = []

    def few(n, dimensions, seed):
        asked.append((n, dimensions))
        return small

    monkeypatch.setattr(_clustering, "blobs", few)
    monkeypatch.setattr(
        _clustering, "frame_pair", lambda _: ("movie", small[:50], 0.02)
    )
    monkeypatch.setattr(_clustering, "_measured", lambda *_, **__: next(cases))
    monkeypatch.setattr(_clustering, "least_seconds", lambda call, *_: call() and 0.5)
    monkeypatch.setattr(
        _clustering,
        "fresh_process",
        lambda points, *_: (1.0, 3 * points.nbytes + 400 * (len(points) == 50)),
    )
    result = run_suite("clustering", QUICK)
    assert asked == [(262_144, 18), (50_000, 18)]
    assert result.summary["published_ratio"] == pytest.approx(80)
    assert result.summary["floor_ratio"] == pytest.approx(5)
    assert result.summary["product_ratio"] == pytest.approx(5)
    assert result.summary["ari"] == 0.97
    nbytes = small[:50].nbytes
    assert result.summary["peak_over_embedding"] == pytest.approx(3 + 400 / nbytes)
    ((n, theirs, ours, ratio, ari),) = result.tables[1].rows
    assert (n, ours, ari) == (200, 500.0, 1.0)
    assert ratio == pytest.approx(theirs / 0.5)
    assert result.summary["sklearn_ratio"] == pytest.approx(ratio)
    assert [series.x for series in result.plots[0].series] == [
        ("simulated", "pair")
    ] * 3


def test_memory_of_another_device_is_not_told(monkeypatch):
    """A device that computes nothing, as there is no other one everywhere."""
    small = blobs(20, 18, 0)
    meta = torch.device("meta")
    monkeypatch.setattr(_clustering, "choose_device", lambda _: meta)
    monkeypatch.setattr(_clustering, "blobs", lambda *_: small)
    monkeypatch.setattr(_clustering, "frame_pair", lambda _: ("movie", small, 0.02))
    monkeypatch.setattr(_clustering, "_measured", lambda *_, **__: case())
    monkeypatch.setattr(_clustering, "least_seconds", lambda *_: 0.5)
    monkeypatch.setattr(_clustering, "_labels", lambda _: np.zeros(20))
    assert run_suite("clustering", QUICK).summary["peak_over_embedding"] is None


def test_a_case_is_measured_on_points_whose_clusters_are_known():
    points = blobs(600, 18, 0)
    plain = _measured("blobs", points, 0.1, 0, 1)
    assert (plain.points, plain.clusters, plain.ari) == (600, 10, 1.0)
    assert plain.ari_published is None
    assert min(plain.published, plain.ours, plain.product, plain.floor) > 0
    # Of a real movie two published clusterings are compared with each other, too.
    assert _measured("pair", points, 0.1, 0, 1, real=True).ari_published == 1.0


def test_the_foreground_of_a_pair_is_clustered_by_the_bandwidth_of_the_card(
    monkeypatch,
):
    """A pair whose first frame has one cell, and whose second has none."""
    embeddings = torch.zeros(2, 16, 8, 8)
    embeddings[:, 0] = 1
    embeddings[0, :, 2:5, 2:5] = torch.eye(16)[3][:, None, None]
    pair = SimpleNamespace(embeddings=embeddings)
    settings = SimpleNamespace(
        embed=SimpleNamespace(model="nuclei"),
        track=SimpleNamespace(foreground=0.5),
        cluster=SimpleNamespace(bandwidth=0.03),
    )
    plan = SimpleNamespace(
        source=SimpleNamespace(pair=lambda _: iter([None, pair])), settings=settings
    )
    monkeypatch.setattr(_data, "clustering_plan", lambda movie, device: plan)
    small = SimpleNamespace(frames=np.zeros((3, 8, 8), np.uint16))
    monkeypatch.setattr(_data, "simulate_movie", lambda *_, **__: small)
    name, points, bandwidth = frame_pair(QUICK)
    assert name == "simulated movie, nuclei"
    assert bandwidth == 0.03
    assert points.shape == (9, 16)
    assert points.dtype == torch.float32
    assert (points[:, 3] == 1).all()
