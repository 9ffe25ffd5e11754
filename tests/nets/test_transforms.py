"""What is done to images and labels, against plain loops."""

import numpy as np
import pytest
import torch

from rmt_helpers.nets.data import Dataset, Images
from rmt_helpers.nets.transforms import (
    corrupt_labels,
    crop_and_flip,
    keep_pixels,
    lit_pixels,
    standardise,
)

NONE = Images(torch.zeros(0, 1, 2, 2), torch.zeros(0, dtype=torch.int64))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("channels_last", [False, True])
def test_crop_and_flip_is_a_plain_loop(padding: int, channels_last: bool) -> None:
    """Image by image: pad, cut out, mirror; the draws in the order in which they are made."""
    x = torch.rand(50, 3, 6, 8)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    before = x.clone()
    found = crop_and_flip(x, generator(), padding)
    draws = generator()
    top, left = torch.randint(2 * padding + 1, (2, 50), generator=draws).tolist()
    mirrored = torch.randint(2, (50,), generator=draws).tolist()
    for k in range(50):
        padded = torch.zeros(3, 6 + 2 * padding, 8 + 2 * padding)
        padded[:, padding : padding + 6, padding : padding + 8] = x[k]
        cut = padded[:, top[k] : top[k] + 6, left[k] : left[k] + 8]
        assert torch.equal(found[k], cut.flip(2) if mirrored[k] else cut)
    assert 0 < sum(mirrored) < 50
    assert torch.equal(x, before)


def test_crop_and_flip_draws_from_its_generator_alone() -> None:
    x = torch.rand(20, 1, 5, 5)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    draws = generator(1)
    one, next_one = crop_and_flip(x, draws), crop_and_flip(x, draws)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one, crop_and_flip(x, generator(1)))
    assert not torch.equal(one, next_one)
    assert crop_and_flip(x[:0], draws).shape == (0, 1, 5, 5)


def test_bad_input_to_crop_and_flip() -> None:
    with pytest.raises(ValueError, match=r"x must have shape .*was \(3, 4, 4\)"):
        crop_and_flip(torch.zeros(3, 4, 4), generator())
    for padding in (-1, 1.5, None):
        with pytest.raises(ValueError, match="padding must be an integer, 0 or more"):
            crop_and_flip(torch.zeros(1, 3, 4, 4), generator(), padding)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0, 0.25, 0.5, 1])
def test_as_many_labels_are_redrawn_as_asked(share: float) -> None:
    """A label in four comes out right by chance: 4 standard errors on either side."""
    images = Images(torch.rand(2001, 1, 2, 2), torch.arange(2001) % 4)
    before = images.y.clone()
    found, redrawn = corrupt_labels(images, share, seed=3, classes=4)
    assert torch.equal(images.y, before)
    assert found.x is images.x
    assert redrawn.dtype == torch.bool
    number = round(share * 2001)
    assert int(redrawn.sum()) == number
    assert torch.equal(found.y[~redrawn], before[~redrawn])
    assert found.y.dtype == torch.int64
    if number:
        error = np.sqrt(0.25 * 0.75 / number)
        assert float((found.y == before)[redrawn].double().mean()) == pytest.approx(
            0.25, abs=4 * error
        )
        counts = torch.bincount(found.y[redrawn], minlength=4) / number
        assert counts.numpy() == pytest.approx(0.25, abs=4 * error)


def test_a_seed_fixes_which_labels_are_redrawn(data: Dataset) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    one, same, other = (corrupt_labels(data.train, 0.3, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one[0].y, same[0].y)
    assert torch.equal(one[1], same[1])
    assert not torch.equal(one[1], other[1])
    assert int(one[0].y.max()) > 3  # ten classes unless told otherwise


def test_bad_input_to_corrupt_labels(data: Dataset) -> None:
    for share in (-0.1, 1.1, float("nan"), "half", [0.5]):
        with pytest.raises(ValueError, match="share must"):
            corrupt_labels(data.train, share)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed must"):
        corrupt_labels(data.train, 0.5, seed=-1)
    with pytest.raises(ValueError, match="classes must be an integer, 1 or more"):
        corrupt_labels(data.train, 0.5, classes=0)
    with pytest.raises(ValueError, match="classes must exceed every label, was 3 with a label 3"):
        corrupt_labels(data.train, 0.5, classes=3)
    assert len(corrupt_labels(NONE, 0.5)[0]) == 0


def test_standardise() -> None:
    x = 0.4 + 0.1 * torch.rand(5, 3, 6, 7)
    x[1], x[2], x[3] = 0.3, 0, 1e-3 * x[3]  # equal, black, faint
    images = Images(x.clone(), torch.arange(5))
    found = standardise(images)
    assert torch.equal(images.x, x)
    assert torch.equal(found.y, images.y)
    assert found.x.shape == x.shape
    assert not found.x[1:3].any()
    pixels = x.double().numpy().reshape(5, -1)
    for k in (0, 3, 4):
        expected = (pixels[k] - pixels[k].mean()) / pixels[k].std()
        np.testing.assert_allclose(found.x[k].numpy().ravel(), expected, atol=1e-4)
    assert len(standardise(NONE)) == 0


def test_lit_pixels_are_lit_in_more_than_a_share_of_the_images() -> None:
    """Pixel k is lit in k of 100 images; one channel after the other."""
    x = torch.zeros(100, 2, 2, 3)
    for k in range(12):
        x.flatten(1)[:k, k] = 0.5
    images = Images(x, torch.zeros(100, dtype=torch.int64))
    assert lit_pixels(images).tolist() == [False] * 2 + [True] * 10
    assert lit_pixels(images, 0).tolist() == [False] + [True] * 11
    assert lit_pixels(images, 0.07).tolist() == [False] * 8 + [True] * 4  # 7 of 100 is no more
    assert not lit_pixels(images, 1).any()


def test_keep_pixels(data: Dataset) -> None:
    mask = np.arange(36) % 5 == 0
    for given in (mask, mask.tolist(), torch.from_numpy(mask)):
        found = keep_pixels(data.test, given)
        assert found.x.shape == (300, 1, 1, 8)
        assert torch.equal(found.x[7, 0, 0], data.test.x[7].flatten()[::5])
        assert torch.equal(found.y, data.test.y)


def test_bad_input_to_lit_and_keep_pixels(data: Dataset) -> None:
    with pytest.raises(ValueError, match="images must hold at least one"):
        lit_pixels(NONE)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"share must lie in \[0, 1\]"):
            lit_pixels(data.test, share)
    for mask in (np.ones(36), np.ones(35, bool), np.ones((6, 6), bool), True):
        with pytest.raises(ValueError, match="mask must hold 36 truth values, one a pixel"):
            keep_pixels(data.test, mask)
    with pytest.raises(ValueError, match="mask must keep at least one pixel"):
        keep_pixels(data.test, np.zeros(36, bool))
