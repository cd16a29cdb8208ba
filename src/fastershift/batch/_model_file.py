"""Models that travel to workers by their hash, not by their path."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from fastershift.errors import FastershiftError, InputError
from fastershift.rshn import Model, eligible_models, find_model, found_by, read_model

__all__ = ["ModelFile", "ModelFiles", "pack_model", "pack_models"]


@dataclass(frozen=True)
class ModelFile:
    """A weight file in memory.

    Attributes
    ----------
    name : str
        What the model is called.
    sha256 : str
        Of its bytes, in hexadecimal.
    content : bytes
        The file.
    fault : str
        What is wrong with the file, in a sentence; empty when nothing is.
    found_by : str
        As in `Model`, on the machine where it was packed.
    """

    name: str
    sha256: str
    content: bytes = field(repr=False)
    fault: str = ""
    found_by: str = ""

    def load(self) -> Model:
        """Make the model of it, on a machine that may never have seen its file.

        Raises
        ------
        InputError
            When something was wrong with the file already where it was packed.
        FastershiftError
            When the bytes are not those of the hash.
        """
        if self.fault:
            raise InputError(self.fault)
        if hashlib.sha256(self.content).hexdigest() != self.sha256:
            raise FastershiftError(
                f"The model {self.name} arrived damaged; run again to send it again."
            )
        with tempfile.TemporaryDirectory(prefix="fastershift-") as folder:
            path = Path(folder) / f"{self.sha256}.safetensors"
            path.write_bytes(self.content)
            return read_model(path, self.name, self.found_by)


#: Models by the name, or the path, that they are asked for by.
ModelFiles: TypeAlias = Mapping[str, ModelFile]


def pack_models(name_or_path: str = "auto") -> ModelFiles:
    """Read all weight files that a run may need.

    Parameters
    ----------
    name_or_path : str
        As for `load_model`; with ``"auto"`` all from which a first look at a movie may
        choose. A file of these that cannot be used concerns only the movies that
        choose it: it is packed with its fault.

    Returns
    -------
    mapping of str to ModelFile

    Raises
    ------
    InputError
        For an unknown name, and for a file that is not a model, when it was asked for.
    """
    if name_or_path != "auto":
        return {name_or_path: pack_model(name_or_path)}
    return {name: _pack_with_fault(name) for name in eligible_models()}


def _pack_with_fault(name: str) -> ModelFile:
    try:
        return pack_model(name)
    except InputError as error:
        digest = hashlib.sha256(str(error).encode()).hexdigest()
        return ModelFile(name, digest, b"", str(error))


def pack_model(name_or_path: str | Path) -> ModelFile:
    """Read the weight file of a model.

    Parameters
    ----------
    name_or_path : str or Path
        As for `load_model`.

    Returns
    -------
    ModelFile

    Raises
    ------
    InputError
        For an unknown name, and for a file that is not a model.
    """
    name, path = find_model(name_or_path)
    read_model(path, name)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return ModelFile(name, digest, content, found_by=found_by(name, path))
