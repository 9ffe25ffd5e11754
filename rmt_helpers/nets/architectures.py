"""The networks of the book, each a `torch.nn.Sequential` whose layers have names.

A network is a sequence so that one can run the layers before and after a given one; see
`layers.py`.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import nn

from ._checks import check_integer

INITS = ("pytorch", "glorot")


def check_init(init: str) -> None:
    """Refuse an initialisation that is not known here."""
    if init not in INITS:
        raise ValueError(f"init must be one of {INITS}, was {init!r}")


def initial_sigma(shape: Sequence[int], init: str = "pytorch") -> float:
    """Standard deviation of the entries of an untrained weight.

    Parameters
    ----------
    shape : sequence of int
        ``(out, in)`` or, of a convolution, ``(out, in, height, width)``, as torch stores it. Under
        "pytorch" the shape ``(out, in · height · width)`` of its weight matrix does as well; under
        "glorot" it does not, since the number of outputs that an input reaches is lost in it.
    init : {"pytorch", "glorot"}
        PyTorch's default draws uniformly from ±1/√fan_in, hence 1/√(3·fan_in); Glorot's normal
        initialisation has variance 2/(fan_in + fan_out) (Glorot and Bengio 2010, equation 12).
        ``fan_in`` is in · height · width, and ``fan_out`` is out · height · width.

    Raises
    ------
    ValueError
        If `init` is unknown or the shape is not two or four positive integers.

    Examples
    --------
    >>> round(initial_sigma((512, 784)), 4), round(initial_sigma((512, 784), "glorot"), 4)
    (0.0206, 0.0393)
    >>> initial_sigma((64, 64, 5, 5)) == initial_sigma((64, 1600))
    True
    """
    check_init(init)
    try:
        n_out, n_in, *kernel = (operator.index(side) for side in shape)
    except (TypeError, ValueError):
        n_out, n_in, kernel = 0, 0, []
    if len(kernel) not in (0, 2) or min(n_out, n_in, *kernel) < 1:
        raise ValueError(
            f"shape must be positive integers, (out, in) or (out, in, height, width), was {shape!r}"
        )
    window = math.prod(kernel)
    if init == "pytorch":
        return 1 / math.sqrt(3 * n_in * window)
    return math.sqrt(2 / ((n_in + n_out) * window))


_Layer = TypeVar("_Layer", nn.Linear, nn.Conv2d)


class _Maker:
    """Makes the layers of one network, initialised one after the other from a generator of its own."""

    def __init__(self, init: str, seed: int) -> None:
        check_init(init)
        self._init = init
        self._generator = torch.Generator().manual_seed(check_integer(seed, "seed", 0))

    def __call__(self, kind: type[_Layer], *sizes: int, **options: Any) -> _Layer:
        layer: _Layer = nn.utils.skip_init(kind, *sizes, **options)
        weight, bias = layer.weight, layer.bias
        assert bias is not None
        if self._init == "pytorch":
            # What nn.Linear and nn.Conv2d themselves draw, for weight and bias.
            bound = 1 / math.sqrt(weight[0].numel())
            nn.init.uniform_(weight, -bound, bound, generator=self._generator)
            nn.init.uniform_(bias, -bound, bound, generator=self._generator)
        else:
            nn.init.xavier_normal_(weight, generator=self._generator)
            nn.init.zeros_(bias)
        return layer


class MLP(nn.Sequential):
    """Multilayer perceptron with ReLU: ``flatten, fc1, relu1, fc2, …``, one ``fc`` a weight matrix.

    Parameters
    ----------
    widths : sequence of int
        Number of inputs, of units in each hidden layer, and of classes.
    init : {"pytorch", "glorot"}
        See `initial_sigma`. PyTorch's default also draws the biases uniformly from ±1/√in;
        Glorot's has zero biases.
    seed : int
        Of the initialisation. The global generator of torch is left alone.

    Raises
    ------
    ValueError
        If `widths` has fewer than two entries or one that is not a positive integer, or `init`
        is unknown.

    Examples
    --------
    >>> [name for name, _ in MLP((784, 32, 10)).named_children()]
    ['flatten', 'fc1', 'relu1', 'fc2']
    """

    def __init__(
        self, widths: Sequence[int] = (784, 512, 512, 10), init: str = "pytorch", seed: int = 0
    ) -> None:
        make = _Maker(init, seed)
        sizes = [check_integer(width, "each of widths", 1) for width in widths]
        if len(sizes) < 2:
            raise ValueError(f"widths must be two or more positive integers, was {widths!r}")
        stages: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
        for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
            if k > 1:
                stages[f"relu{k - 1}"] = nn.ReLU()
            stages[f"fc{k}"] = make(nn.Linear, n_in, n_out)
        super().__init__(stages)


class LeNet5(nn.Sequential):
    """LeNet-5 for images of 28 × 28 pixels: ``conv1, pool1, relu1, conv2, …, fc3``.

    Two convolutions (6 and 16 filters of 5 × 5, the first with a border of two pixels), each
    followed by pooling, then 400-120-84-classes. With one channel and ten classes it has 61,706
    parameters. It has the layers and widths of LeCun et al. (1998), figure 2, and differs from it
    in four points: ReLU in place of the scaled hyperbolic tangent; the maximum of 2 × 2 pixels in
    place of their sum with a trained factor and bias; every filter of the second convolution sees
    all six maps, not a chosen few; and a plain score a class in place of radial basis functions.

    Parameters
    ----------
    channels, classes : int
        Of the images, and of their labels.
    init : {"pytorch", "glorot"}
        As for `MLP`.
    seed : int
        Of the initialisation. The global generator of torch is left alone.

    Raises
    ------
    ValueError
        If `channels`, `classes` or `seed` is out of range, or `init` is unknown.

    Examples
    --------
    >>> sum(values.numel() for values in LeNet5().parameters())
    61706
    """

    def __init__(
        self, channels: int = 1, classes: int = 10, init: str = "pytorch", seed: int = 0
    ) -> None:
        channels, classes = _ends(channels, classes)
        make = _Maker(init, seed)
        # relu(max_pool(x)) = max_pool(relu(x)), since ReLU is monotone, with a quarter of its work.
        super().__init__(
            OrderedDict(
                conv1=make(nn.Conv2d, channels, 6, 5, padding=2),
                pool1=nn.MaxPool2d(2),
                relu1=nn.ReLU(),
                conv2=make(nn.Conv2d, 6, 16, 5),
                pool2=nn.MaxPool2d(2),
                relu2=nn.ReLU(),
                flatten=nn.Flatten(),
                fc1=make(nn.Linear, 400, 120),
                relu3=nn.ReLU(),
                fc2=make(nn.Linear, 120, 84),
                relu4=nn.ReLU(),
                fc3=make(nn.Linear, 84, classes),
            )
        )


class SmallAlexNet(nn.Sequential):
    """A small relative of AlexNet for images of 32 × 32 pixels: ``conv1, pool1, relu1, …, fc3``.

    What it keeps of Krizhevsky, Sutskever and Hinton (2012) is the family: convolutions with
    overlapping max pooling (3 × 3 pixels, every second), ReLU, and three fully connected layers that
    hold most of the weights. It is scaled to 32 × 32 pixels: two convolutions of 64 filters of
    5 × 5, a border of two pixels each, in place of five; 4096-384-192-classes in place of
    9216-4096-4096-1000; and neither local response normalisation nor dropout. With three channels
    and ten classes it has 1,756,426 parameters, against 61 million.

    Parameters
    ----------
    channels, classes : int
        Of the images, and of their labels.
    init : {"pytorch", "glorot"}
        As for `MLP`.
    seed : int
        Of the initialisation. The global generator of torch is left alone.

    Raises
    ------
    ValueError
        If `channels`, `classes` or `seed` is out of range, or `init` is unknown.

    Examples
    --------
    >>> sum(values.numel() for values in SmallAlexNet().parameters())
    1756426
    """

    def __init__(
        self, channels: int = 3, classes: int = 10, init: str = "pytorch", seed: int = 0
    ) -> None:
        channels, classes = _ends(channels, classes)
        make = _Maker(init, seed)
        # The order of pooling and ReLU: as in LeNet5.
        super().__init__(
            OrderedDict(
                conv1=make(nn.Conv2d, channels, 64, 5, padding=2),
                pool1=nn.MaxPool2d(3, 2, padding=1),
                relu1=nn.ReLU(),
                conv2=make(nn.Conv2d, 64, 64, 5, padding=2),
                pool2=nn.MaxPool2d(3, 2, padding=1),
                relu2=nn.ReLU(),
                flatten=nn.Flatten(),
                fc1=make(nn.Linear, 4096, 384),
                relu3=nn.ReLU(),
                fc2=make(nn.Linear, 384, 192),
                relu4=nn.ReLU(),
                fc3=make(nn.Linear, 192, classes),
            )
        )


class SmallVGG(nn.Sequential):
    """A small relative of VGG for images of 32 × 32 pixels: ``conv1, pool1, relu1, conv2, …, fc``.

    What it keeps of Simonyan and Zisserman (2015) is the family: convolutions of 3 × 3 pixels with a
    border of one, ReLU, and more filters where there are fewer pixels. Five convolutions, of 32, 32,
    64, 64 and 64 filters, in place of sixteen layers; the maximum of 2 × 2 pixels behind the first, the
    second and the fourth; and one fully connected layer, 1024-classes. With three channels and ten
    classes it has 112,746 parameters, against 138 million.

    Parameters
    ----------
    channels, classes : int
        Of the images, and of their labels.
    init : {"pytorch", "glorot"}
        As for `MLP`.
    seed : int
        Of the initialisation. The global generator of torch is left alone.

    Raises
    ------
    ValueError
        If `channels`, `classes` or `seed` is out of range, or `init` is unknown.

    Examples
    --------
    >>> sum(values.numel() for values in SmallVGG().parameters())
    112746
    """

    def __init__(
        self, channels: int = 3, classes: int = 10, init: str = "pytorch", seed: int = 0
    ) -> None:
        channels, classes = _ends(channels, classes)
        make = _Maker(init, seed)
        stages: OrderedDict[str, nn.Module] = OrderedDict()
        widths = (channels, 32, 32, 64, 64, 64)
        for k, (n_in, n_out) in enumerate(itertools.pairwise(widths), start=1):
            stages[f"conv{k}"] = make(nn.Conv2d, n_in, n_out, 3, padding=1)
            if k in (1, 2, 4):
                # The order of pooling and ReLU: as in LeNet5.
                stages[f"pool{k}"] = nn.MaxPool2d(2)
            stages[f"relu{k}"] = nn.ReLU()
        stages["flatten"] = nn.Flatten()
        stages["fc"] = make(nn.Linear, 64 * 4 * 4, classes)
        super().__init__(stages)


def _ends(channels: int, classes: int) -> tuple[int, int]:
    """The first and the last width of a convolutional network, checked."""
    return check_integer(channels, "channels", 1), check_integer(classes, "classes", 1)
