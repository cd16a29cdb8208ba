"""What the outputs of a network that votes for centres mean."""

from typing import Literal, NamedTuple, TypeAlias

from torch import Tensor

__all__ = ["VOTE_CHANNELS", "EmbeddingKind", "VoteMaps"]

#: Outputs of such a network that have a meaning; further ones are free.
VOTE_CHANNELS = 8

#: What the pixels of a network's output are: vectors that point the same way within a
#: cell (Payer et al. 2019), or votes for the centre of the cell (Novotny et al. 2018,
#: Neven et al. 2019).
EmbeddingKind: TypeAlias = Literal["cosine", "votes"]


class VoteMaps(NamedTuple):
    """The outputs of a network that votes for centres, apart.

    Ways are told in cell diameters of the network, rows before columns.

    Attributes
    ----------
    foreground : Tensor
        (..., Y, X) logit of being in a cell.
    own : Tensor
        (..., 2, Y, X) way to the centre of the cell.
    previous : Tensor
        (..., 2, Y, X) way to the centre of the same cell, or of its mother, in the
        frame before.
    new : Tensor
        (..., Y, X) logit of belonging to a cell without predecessor in that frame.
    width : Tensor
        (..., Y, X) natural logarithm of the width of the cell in diameters: twice the
        largest distance to its outline.
    spread : Tensor
        (..., Y, X) natural logarithm of the expected error of the vote in diameters.
    """

    foreground: Tensor
    own: Tensor
    previous: Tensor
    new: Tensor
    width: Tensor
    spread: Tensor

    @classmethod
    def of(cls, outputs: Tensor) -> "VoteMaps":
        """Take outputs (..., C, Y, X) apart, without a copy."""
        return cls(
            outputs.select(-3, 0),
            outputs.narrow(-3, 1, 2),
            outputs.narrow(-3, 3, 2),
            outputs.select(-3, 5),
            outputs.select(-3, 6),
            outputs.select(-3, 7),
        )
