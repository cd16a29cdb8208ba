"""Suite ``table4``: the upper factor H of the seed policy, as in Table IV."""

from fastershift.benchmark._parameter import parameter_suite
from fastershift.benchmark._suite import BenchmarkOptions, SuiteResult

__all__ = ["run"]

# Seconds a frame with H of 4, 8 and 16 in Zhao et al. (2021).
_PAPER = {
    "DIC-C2DH-HeLa": (2.69, 2.74, 2.74),
    "Fluo-N2DH-GOWT1": (11.02, 11.24, 11.30),
    "Fluo-N2DH-SIM+": (11.36, 11.72, 11.81),
    "PhC-C2DH-U373": (5.56, 5.64, 5.67),
}


def run(options: BenchmarkOptions) -> SuiteResult:
    """Run the movies at hand with H of 4, 8 and 16.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form a few frames of the first movie.

    Returns
    -------
    SuiteResult
    """
    return parameter_suite(options, "high", "H", (4, 8, 16), _PAPER, "Table IV")
