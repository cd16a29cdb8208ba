"""The command that measures: the numbers in the documentation, on this machine."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from fastershift.cli._errors import Debug, reports_errors, stop
from fastershift.cli._figures import check_figures, write_figures
from fastershift.errors import FastershiftError, InputError

__all__ = ["benchmark"]


@reports_errors
def benchmark(
    suite: Annotated[
        str,
        typer.Argument(
            metavar="SUITE",
            help="Name of a suite, or 'all'; another word lists them.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for tables and plots.")
    ] = Path("benchmark-output"),
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Short form that takes minutes; its results are marked."
        ),
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the figures to this file.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="FASTERSHIFT_DATA",
            help="Folder with movies, with stills of kinds of cells, or with both in "
            "its folders 'data' and 'kinds'; without it, movies are simulated.",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="With 'all': keep results in OUTPUT that have the same options.",
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Measure speed, memory or accuracy; print tables and write CSV and plots."""
    from fastershift.benchmark import SUITES, BenchmarkOptions, read_record

    options = BenchmarkOptions(quick, data, device, seed)
    if suite != "all":
        written = read_record(output / suite) or {}
        check_figures(json_file, lambda former: former == written.get("summary"))
        write_figures(json_file, _measured(suite, options, output / suite))
        return
    check_figures(json_file, lambda former: former.keys() <= SUITES.keys())
    if data is not None and not data.is_dir():
        raise InputError(f"There is no folder {data}; give the folder with the movies.")
    summaries: dict[str, Any] = {}
    failures = []
    for name in SUITES:
        record = read_record(output / name) if resume else None
        if record is not None and options.recorded().items() <= record.items():
            summaries[name] = record["summary"]
            continue
        try:
            summaries[name] = _measured(name, options, output / name)
        except KeyboardInterrupt:
            if not summaries:
                raise
            stop(
                f"Interrupted: the results of finished suites are in {output}; the "
                "same command with --resume continues.",
                130,
            )
        # One suite that cannot run, for want of a display say, spares the others.
        except Exception as error:
            if debug:
                raise
            failures.append(f"{name} ({type(error).__name__}: {error})")
            typer.echo(f"\n{failures[-1]}", err=True)
        write_figures(json_file, summaries)
    if failures:
        raise FastershiftError(f"These suites failed: {'; '.join(failures)}.")


def _measured(name: str, options: Any, folder: Path) -> dict[str, Any]:
    """Run one suite, print it and write it; give its figures."""
    from fastershift.benchmark import (
        can_draw,
        describe_machine,
        run_suite,
        table_text,
        write_record,
    )

    machine = describe_machine(options.device)
    typer.echo(
        f"\n# {name}{', quick' if options.quick else ''}: {machine['device']}, "
        f"{machine['processor']} ({machine['units']}), {machine['threads']} threads, "
        f"torch {machine['torch']}"
    )
    started = time.perf_counter()
    result = run_suite(name, options)
    seconds = time.perf_counter() - started
    for table in result.tables:
        typer.echo(f"\n{table_text(table)}")
    for note in result.notes:
        typer.echo(f"\n{note}")
    for key, value in result.summary.items():
        typer.echo(f"{key}: {value}")
    write_record(folder, result, machine=machine, options=options, seconds=seconds)
    if not can_draw():
        typer.echo("No plots: they need pip install 'fastershift[benchmark]'.")
    typer.echo(f"{seconds:.0f} s: {folder}")
    return dict(result.summary)
