"""What is stored with a layer that shows a result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    # A file is read without waiting for these.
    from napari.layers import Layer

    from fastershift.pipeline import TrackedMovie

__all__ = ["ResultRecord", "TrackRows"]

_KEY = "fastershift"

#: (id, first, last, parent) of every track.
TrackRows: TypeAlias = Sequence[tuple[int, int, int, int]]


@dataclass(frozen=True)
class ResultRecord:
    """What made a layer, and what belongs to it.

    It lies in the metadata of the layer as a plain dict under ``"fastershift"``, so
    that others can read it; what is empty is left out there.

    Attributes
    ----------
    input : str
        Name of the layer it was made from; empty where that is not known.
    settings : mapping
        As they were resolved, by stage; empty where they are not known.
    provenance : mapping
        Versions, model, device and the like.
    reports : sequence of mapping
        The numbers of each frame.
    tracks : sequence of (id, first, last, parent), or None
        The lineage; None for what has none. Layers that hold the same object show the
        same result.
    corrections : mapping or None
        Edits made by hand, as `fastershift.editing` records them.
    axes : str
        One letter per axis of the layer; empty where they are told by their lengths.
    lost_settings : mapping
        As in `fastershift.io.SavedResult`.
    """

    input: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    reports: Sequence[Mapping[str, Any]] = ()
    tracks: TrackRows | None = None
    corrections: Mapping[str, Any] | None = None
    axes: str = ""
    lost_settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_result(cls, result: "TrackedMovie", source: str) -> Self:
        """Describe a result.

        Parameters
        ----------
        result : TrackedMovie
            The result.
        source : str
            Name of the layer it was made from.

        Returns
        -------
        ResultRecord
        """
        return cls(
            source,
            result.settings.model_dump(mode="json"),
            dict(result.provenance),
            [report.record() for report in result.reports],
            result.lineage.rows(),
        )

    @classmethod
    def of(cls, layer: "Layer | None") -> Self:
        """Return what is stored with a layer; an empty record where nothing is."""
        return cls() if layer is None else cls.within(layer.metadata)

    @classmethod
    def within(cls, metadata: Mapping[str, Any] | None) -> Self:
        """Return what the metadata of a layer hold; an empty record for nothing."""
        stored = (metadata or {}).get(_KEY)
        if not isinstance(stored, Mapping):
            return cls()
        names = {one.name for one in fields(cls)} & set(stored)
        return cls(**{name: stored[name] for name in names if stored[name] is not None})

    @staticmethod
    def has(layer: "Layer") -> bool:
        """Tell whether a layer was made for a result, be it still empty."""
        return _KEY in layer.metadata

    def metadata(self) -> dict[str, Any]:
        """Give the metadata of a new layer."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        kept = {name: value for name, value in given.items() if value}
        if self.tracks is not None:
            kept["tracks"] = self.tracks
        return {_KEY: kept}

    def store(self, layer: "Layer") -> None:
        """Store it with a layer, and let those who follow the layer know.

        The layer keeps its axes unless others are given. Where napari has linked it
        with other layers, these keep their own record.
        """
        # A file is read without waiting for this.
        from napari.experimental import unlink_layers

        unlink_layers([layer], ["metadata"])
        stored = replace(self, axes=self.axes or self.of(layer).axes)
        layer.metadata = {**layer.metadata, **stored.metadata()}
