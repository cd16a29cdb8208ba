"""Frames to embeddings."""

from fastershift.rshn._card import ModelCard, NetworkSize
from fastershift.rshn._embedder import Embedder
from fastershift.rshn._first_look import FirstLook, estimate_diameter, first_look
from fastershift.rshn._network import RSHN, State, normalise_embedding
from fastershift.rshn._normalise import (
    normalise_frame,
    normalise_robustly,
    resize_frame,
)
from fastershift.rshn._observer import Observer
from fastershift.rshn._precision import choose_precision
from fastershift.rshn._prepared import FrameSource
from fastershift.rshn._registry import (
    PUBLISHED_MODEL,
    choose_model,
    eligible_models,
    find_model,
    found_by,
    is_model_name,
    list_models,
    load_model,
    place_for_model,
    user_models_folder,
)
from fastershift.rshn._streaming import Stream, StreamingNetwork
from fastershift.rshn._votes import (
    CODE_CHANNELS,
    KEPT_CHANNELS,
    VOTE_CHANNELS,
    EmbeddingKind,
    Votes,
    check_channels,
    codes_of_places,
    window_radius,
    write_votes,
)
from fastershift.rshn._weights import (
    Model,
    make_model,
    read_card,
    read_model,
    save_model,
)
from fastershift.rshn.checkpoint import (
    Bundle,
    import_checkpoint,
    network_from_published,
    preset_of,
    read_bundle,
)
from fastershift.rshn.head import (
    Forest,
    Head,
    PixelClass,
    count_features,
    describe_pixels,
    fill_votes,
)

__all__ = [
    "CODE_CHANNELS",
    "KEPT_CHANNELS",
    "PUBLISHED_MODEL",
    "RSHN",
    "VOTE_CHANNELS",
    "Bundle",
    "Embedder",
    "EmbeddingKind",
    "FirstLook",
    "Forest",
    "FrameSource",
    "Head",
    "Model",
    "ModelCard",
    "NetworkSize",
    "Observer",
    "PixelClass",
    "State",
    "Stream",
    "StreamingNetwork",
    "Votes",
    "check_channels",
    "choose_model",
    "choose_precision",
    "codes_of_places",
    "count_features",
    "describe_pixels",
    "eligible_models",
    "estimate_diameter",
    "fill_votes",
    "find_model",
    "first_look",
    "found_by",
    "import_checkpoint",
    "is_model_name",
    "list_models",
    "load_model",
    "make_model",
    "network_from_published",
    "normalise_embedding",
    "normalise_frame",
    "normalise_robustly",
    "place_for_model",
    "preset_of",
    "read_bundle",
    "read_card",
    "read_model",
    "resize_frame",
    "save_model",
    "user_models_folder",
    "window_radius",
    "write_votes",
]
