"""The command itself: arguments in, an exit status out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..thresholds.auto import LEAST_BETA
from .measure import DEFAULT, METHODS, Options, measure, memory_limit, plan
from .report import Report, as_csv, as_json, own_version
from .stored import MissingLibrary, UnreadableModel, printable, stored_tensors
from .terminal import show, with_progress

OK, INCOMPLETE, USAGE, UNREADABLE, NOTHING = range(5)
_BROKEN_PIPE, _INTERRUPTED = 141, 130  # as shells report them

_EPILOG = """\
exit status:
  0    every matrix was measured by every method (what is left out on purpose does not count)
  1    some could not be measured: not finite, zero, without noise, too large, of a type not read
  2    wrong arguments, or they ask for a library or device that is not here
  3    the file is missing, damaged, refused or of an unknown kind, or a report cannot be written
  4    the file holds no matrix to measure

A tensor with more than two axes counts as a matrix with one row for each entry along the first:
a convolution (out, in, height, width) as out × in·height·width. No file's code is ever run.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments`, by default those of the process; return the exit status."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        options = _options(chosen)
    except (ValueError, MissingLibrary) as error:
        parser.error(str(error))
    try:
        return _run(chosen, options)
    except MissingLibrary as error:
        return _complain(str(error), USAGE)
    except UnreadableModel as error:
        return _complain(f"{printable(chosen.model)}: {error}", UNREADABLE)
    except BrokenPipeError:
        # Whoever read the output has enough; without this, Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except OSError as error:
        name = printable(error.filename or chosen.model)
        return _complain(f"{name}: {error.strerror or error}", UNREADABLE)
    except KeyboardInterrupt:
        return _complain("interrupted", _INTERRUPTED)


def _run(chosen: argparse.Namespace, options: Options) -> int:
    planned = plan(stored_tensors(chosen.model), options)
    layers = with_progress(measure(planned.matrices, options), len(planned.matrices))
    report = Report(printable(chosen.model.name), options, planned, tuple(layers))
    if chosen.html is not None:
        from .page import as_html

        chosen.html.write_text(as_html(report), "utf8")
    if chosen.json:
        print(as_json(report))
    elif chosen.csv:
        print(as_csv(report), end="")
    elif report.layers:
        show(report)
    sys.stdout.flush()
    if not report.layers:
        return _complain(f"no matrix to measure. {report.left_out()}".rstrip(), NOTHING)
    if report.failed:
        matrices = "matrix" if report.failed == 1 else "matrices"
        return _complain(f"{report.failed} {matrices} could not be measured", INCOMPLETE)
    return OK


def _options(chosen: argparse.Namespace) -> Options:
    if not 0 <= chosen.alpha < 0.5:
        raise ValueError(f"--alpha must lie in [0, 0.5), was {chosen.alpha}")
    if not 1e-15 <= chosen.beta < 1:
        raise ValueError(f"--beta must lie in [1e-15, 1), was {chosen.beta}")
    if chosen.min_size < 5:
        raise ValueError(f"--min-size must be at least 5, was {chosen.min_size}")
    if chosen.method == "auto" and chosen.beta < LEAST_BETA:
        raise ValueError(
            f"--beta must be at least {LEAST_BETA} with --method auto, was {chosen.beta}"
        )
    if chosen.method == "auto" and (chosen.fast or chosen.device != "cpu"):
        raise ValueError(
            "--method auto looks at the entries: neither --fast nor --device goes with it"
        )
    methods = DEFAULT if chosen.method == "both" else (chosen.method,)
    if chosen.max_gib is None:
        chosen.max_gib = memory_limit(methods) / 2**30
    if not chosen.max_gib > 0:
        raise ValueError(f"--max-gib must be positive, was {chosen.max_gib}")
    if chosen.html is not None and not chosen.html.parent.is_dir():
        raise ValueError(f"--html: there is no folder {chosen.html.parent}")
    if chosen.device != "cpu":
        _check_device(chosen.device)
    return Options(
        methods=methods,
        alpha=chosen.alpha,
        beta=chosen.beta,
        fast=chosen.fast,
        min_size=chosen.min_size,
        device=chosen.device,
        max_bytes=chosen.max_gib * 2**30,
    )


def _check_device(device: str) -> None:
    try:
        from ..nets.checkpoint import check_device
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingLibrary(
            f'--device {device} needs PyTorch: pip install "rmt-helpers[nets]"'
        ) from None
    check_device(device)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rmt-thresholds",
        description="Which singular values of a network's weight matrices stand out of the noise?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "model",
        metavar="MODEL",
        type=Path,
        help="a .safetensors, .npy or .npz file, or a state dictionary that torch.save wrote",
    )
    add(
        "--method",
        choices=["both", *METHODS],
        default="both",
        help="which estimator finds noise level and threshold: both of BEMA and broadening (default), "
        "one of them, or auto, which also looks at the entries and tells how far to trust the rank, "
        "and takes several times as long",
    )
    add(
        "--alpha",
        type=float,
        default=0.2,
        help="BEMA: share of the values left out at either end (default: %(default)s)",
    )
    add(
        "--beta",
        type=float,
        default=0.1,
        help="BEMA and auto: probability that pure noise passes the threshold (default: %(default)s)",
    )
    add(
        "--fast",
        action="store_true",
        help="values from the Gram matrix: two to five times faster, the smallest ones less exact",
    )
    add(
        "--min-size",
        type=int,
        default=16,
        metavar="N",
        help="leave out matrices with a side below N (default: %(default)s)",
    )
    add(
        "--max-gib",
        type=float,
        metavar="GIB",
        help="skip matrices that take more in float64 (default: a sixth of this machine's memory, "
        "with auto a twelfth)",
    )
    add("--device", default="cpu", help='"cpu" (default), or "cuda" or "cuda:1" through PyTorch')
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print JSON in place of the table")
    forms.add_argument("--csv", action="store_true", help="print CSV in place of the table")
    add("--html", type=Path, metavar="FILE", help="also write a page with every spectrum to FILE")
    add("--version", action="version", version=f"%(prog)s {own_version()}")
    return parser


def _complain(text: str, status: int) -> int:
    print(f"rmt-thresholds: {text}", file=sys.stderr)
    return status
