"""Tasks on what a network costs: the products of a training, the multiply–adds of a layer."""

from __future__ import annotations

from typing import Any

from .task import Case, Mistake, Task

# The products of a training -----------------------------------------------------------------------


def _products(e: float, epochs: float, w: float) -> float:
    return e / epochs + (1 - e / epochs) * w


PRODUCTS = Task(
    "products",
    "products(e, epochs, w): the share of the products of full training, with a share w of the weights from epoch e on",
    _products,
    [
        Case((12, 40, 0.2), "for a switch after 12 of 40 epochs to a fifth of the weights"),
        Case((5, 15, 0.45), "for a switch after 5 of 15 epochs to 45 % of the weights"),
        Case((30, 50, 0.7), "for a switch after 30 of 50 epochs to 70 % of the weights"),
    ],
    [
        Mistake(
            lambda e, epochs, w: 1 - _products(e, epochs, w),
            "this is what is saved; the task asks for what is needed.",
        ),
        Mistake(
            lambda e, epochs, w: _products(epochs - e, epochs, w),
            "the two phases are exchanged: the first e epochs need everything, the others the share w.",
        ),
        Mistake(
            lambda e, epochs, w: _products(e, epochs, 1 - w),
            "w is the share that is *kept*; it takes it for the share that is removed.",
        ),
        Mistake(
            lambda e, epochs, w: e / epochs,
            "this is the first phase only: the epochs after the switch cost something, too.",
        ),
        Mistake(
            lambda e, epochs, w: (1 - e / epochs) * w,
            "this is the second phase only: the epochs before the switch cost something, too.",
        ),
        Mistake(
            lambda e, epochs, w: e / epochs + w,
            "w counts for all epochs; it applies to those after the switch, the share 1 − e/E.",
        ),
        Mistake(
            lambda e, epochs, w: (1 + w) / 2,
            "the epoch of the switch does not enter.",
        ),
        Mistake(
            lambda e, epochs, w: _products(e, epochs, w) * epochs,
            "this is counted in epochs of full training; divide by their number.",
        ),
        Mistake(
            lambda e, epochs, w: _products(e - 1, epochs, w),
            "the epoch of the switch is one too early: e epochs are trained in full.",
        ),
        Mistake(
            lambda e, epochs, w: _products(e + 1, epochs, w),
            "the epoch of the switch is one too late: e epochs are trained in full.",
        ),
        Mistake(
            lambda e, epochs, w: _products(e, epochs, w**2),
            "w comes in squared: products go with the number of weights, not with its square.",
        ),
        Mistake(
            lambda e, epochs, w: 100 * _products(e, epochs, w),
            "this is in per cent; the task asks for a share.",
        ),
    ],
)

# The work of a convolution ------------------------------------------------------------------------


def _work(
    N: int,
    M: int,
    k: int,
    side: int,
    r: int,
    *,
    down: Any = lambda N, M, k: k * k * M,
    up: Any = lambda N, M, k: N,
    pixels: Any = lambda k, side: (side - k + 1) ** 2,
) -> float:
    return float(pixels(k, side) * r * (down(N, M, k) + up(N, M, k)))


def _work_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(lambda *case: _work(*case, **wrong), says)


CONVOLUTION_WORK = Task(
    "convolution-work",
    "work(N, M, k, side, r): the multiply–adds of a convolution split by channel at rank r, for one image",
    _work,
    [
        Case((16, 6, 5, 14, 4), "for 6 maps of 14 × 14 to 16, 5 × 5, at rank 4"),
        Case((64, 32, 3, 30, 10), "for 32 maps of 30 × 30 to 64, 3 × 3, at rank 10"),
        Case((8, 24, 7, 20, 3), "for 24 maps of 20 × 20 to 8, 7 × 7, at rank 3"),
    ],
    [
        _work_mistake(
            "these are the weights: each works once for every pixel of the output.",
            pixels=lambda k, side: 1,
        ),
        _work_mistake(
            "it counts the pixels of the input; without padding the output has (side − k + 1)².",
            pixels=lambda k, side: side**2,
        ),
        _work_mistake(
            "the output's side is side − k + 1, one more than side − k.",
            pixels=lambda k, side: (side - k) ** 2,
        ),
        _work_mistake(
            "it counts one row of the output: its pixels are a square.",
            pixels=lambda k, side: side - k + 1,
        ),
        _work_mistake(
            "it counts the first of the two layers only: r maps have to become N.",
            up=lambda N, M, k: 0,
        ),
        _work_mistake("it counts the second of the two layers only.", down=lambda N, M, k: 0),
        _work_mistake(
            "the second layer is 1 × 1: it has rN weights, not k²rN.", up=lambda N, M, k: k * k * N
        ),
        _work_mistake(
            "k stands where k² belongs: the first layer is k × k.", down=lambda N, M, k: k * M
        ),
        _work_mistake(
            "this is the split by space, k × 1 and 1 × k; by channel the pair is k × k and 1 × 1.",
            down=lambda N, M, k: k * M,
            up=lambda N, M, k: k * N,
        ),
        _work_mistake(
            "maps in and maps out are exchanged: N go out, M come in.",
            down=lambda N, M, k: k * k * N,
            up=lambda N, M, k: M,
        ),
        _work_mistake(
            "M is missing: each of the r maps is a sum over all M maps that come in.",
            down=lambda N, M, k: k * k,
        ),
        Mistake(
            lambda N, M, k, side, r: N * M * k**2 * (side - k + 1) ** 2,
            "this is the convolution as it was, N·k²M for each pixel: r does not enter.",
        ),
        Mistake(
            lambda *case: 2 * _work(*case),
            "it counts a multiply–add as two operations; the task counts it as one.",
        ),
    ],
)

TASKS = (PRODUCTS, CONVOLUTION_WORK)
