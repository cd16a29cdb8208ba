"""Suite ``table3``: the number of initial seeds, as in Table III."""

from fastershift.benchmark._parameter import parameter_suite
from fastershift.benchmark._suite import BenchmarkOptions, SuiteResult

__all__ = ["run"]

# Seconds a frame with 64, 128 and 256 seeds in Zhao et al. (2021).
_PAPER = {
    "DIC-C2DH-HeLa": (2.59, 2.74, 2.98),
    "Fluo-N2DH-GOWT1": (12.18, 11.24, 11.26),
    "Fluo-N2DH-SIM+": (11.24, 11.72, 11.52),
    "PhC-C2DH-U373": (5.66, 5.64, 5.57),
}


def run(options: BenchmarkOptions) -> SuiteResult:
    """Run the movies at hand with 64, 128 and 256 initial seeds.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form a few frames of the first movie.

    Returns
    -------
    SuiteResult
    """
    return parameter_suite(
        options, "n_initial", "N_initial", (64, 128, 256), _PAPER, "Table III"
    )
