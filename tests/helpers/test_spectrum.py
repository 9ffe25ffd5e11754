"""`Spectrum`: what it computes, what it refuses, and that it says why."""

import numpy as np
import pytest

from rmt_helpers.spectrum import Spectrum, as_spectrum

W = np.random.default_rng(0).standard_normal((7, 11))


def test_values_are_the_roots_of_the_gram_matrix_eigenvalues() -> None:
    spectrum = Spectrum.of(W)
    expected = np.sqrt(np.linalg.eigvalsh(W @ W.T))[::-1]
    np.testing.assert_allclose(spectrum.values, expected, rtol=1e-12)
    np.testing.assert_allclose(spectrum.eigenvalues, expected**2 / 11, rtol=1e-12)
    assert (spectrum.p, spectrum.n, spectrum.c, spectrum.shape) == (7, 11, 7 / 11, (7, 11))


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (60, 60)])
@pytest.mark.parametrize("scale", [1e-150, 1e-3, 1.0, 1e150])
def test_gram_route_agrees_with_the_svd(shape: tuple[int, int], scale: float) -> None:
    matrix = scale * np.random.default_rng(1).standard_normal(shape)
    gram, svd = Spectrum.of(matrix, method="gram"), Spectrum.of(matrix)
    # The square root of a rounding error: small values of square matrices are worse.
    np.testing.assert_allclose(gram.values, svd.values, rtol=1e-11, atol=1e-8 * svd.values[0])
    np.testing.assert_allclose(gram.values[0], svd.values[0], rtol=1e-13)


def test_values_are_a_read_only_float64_copy() -> None:
    given = np.array([3, 2, 1], dtype=np.float32)
    spectrum = Spectrum(given, (3, 5))
    given[0] = 7
    assert spectrum.values.dtype == np.float64
    assert spectrum.values.tolist() == [3.0, 2.0, 1.0]
    with pytest.raises(ValueError, match="read-only"):
        spectrum.values[0] = 9.0
    with pytest.raises(AttributeError):
        spectrum.values = given  # type: ignore[misc]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
def test_other_number_types_are_computed_in_float64(dtype: type) -> None:
    matrix = np.round(8 * W).astype(dtype)
    expected = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    np.testing.assert_array_equal(Spectrum.of(matrix).values, expected)


def test_lists_and_numpy_integers_are_welcome() -> None:
    assert Spectrum.of([[3, 0], [0, 1]]).values.tolist() == [3.0, 1.0]
    assert Spectrum([2, 1], (np.int64(2), np.int32(3))).shape == (2, 3)  # type: ignore[arg-type]


def test_torch_parameters_are_welcome() -> None:
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.as_tensor(W).to(torch.bfloat16))
    expected = Spectrum.of(parameter.detach().double().numpy())
    np.testing.assert_array_equal(Spectrum.of(parameter).values, expected.values)


def test_complex_torch_tensors_are_refused_not_cut_to_their_real_part() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.as_tensor(W + 1j)
    for matrix in (tensor, tensor.conj()):
        with pytest.raises(ValueError, match="W must hold real numbers, its dtype was complex128"):
            Spectrum.of(matrix)


def test_a_spectrum_passes_through_untouched() -> None:
    spectrum = Spectrum.of(W)
    assert as_spectrum(spectrum) is spectrum
    np.testing.assert_array_equal(as_spectrum(W).values, spectrum.values)


def test_repr_names_the_shape() -> None:
    assert repr(Spectrum([3.0, 1.0], (2, 5))) == "Spectrum(2×5, ν from 3 down to 1)"


def with_entry(value: complex) -> np.ndarray:
    matrix = W.astype(complex if isinstance(value, complex) else float)
    matrix[2, 3] = value
    return matrix


BAD_MATRICES = {
    "one-dimensional": (np.arange(5.0), r"W must be two-dimensional, had shape \(5,\).*Spectrum"),
    "three-dimensional": (np.ones((2, 2, 2)), r"W must be two-dimensional, had shape \(2, 2, 2\)"),
    "scalar": (3.0, r"W must be two-dimensional, had shape \(\)"),
    "no rows": (np.empty((0, 4)), r"W must not be empty, had shape \(0, 4\)"),
    "no columns": (np.empty((4, 0)), r"W must not be empty, had shape \(4, 0\)"),
    "NaN": (with_entry(np.nan), "W must be finite, 1 of its 77 values"),
    "infinite": (with_entry(-np.inf), "W must be finite, 1 of its 77 values"),
    "complex": (with_entry(1j), "W must hold real numbers, its dtype was complex128"),
    "text": (np.array([["a", "b"]]), "W must hold real numbers"),
    "ragged": ([[1.0, 2.0], [3.0]], "W must be a rectangular array"),
    "None": (None, "W must hold real numbers"),
    "zero": (np.zeros((4, 5)), "values must not all be zero"),
    "orthogonal": (np.eye(6), "values must not all be equal, were 1"),
    "orthogonal in float32": (
        np.linalg.qr(np.random.default_rng(0).standard_normal((60, 60)))[0].astype(np.float32),
        "values must not all be equal",
    ),
    "vector": (np.ones((1, 9)), "at least 2 singular values"),
}


@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_matrices_are_refused(kind: str) -> None:
    matrix, message = BAD_MATRICES[kind]
    with pytest.raises(ValueError, match=message):
        Spectrum.of(matrix)


def test_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match='method must be "svd" or "gram", was \'qr\''):
        Spectrum.of(W, method="qr")  # type: ignore[arg-type]


BAD_SPECTRA = {
    "ascending": ([1, 2, 3], (3, 4), "values must be sorted, largest first"),
    "unsorted": ([3, 1, 2], (3, 4), "values must be sorted, largest first"),
    "negative": ([3, 2, -1], (3, 4), "values must not be negative, the smallest was -1"),
    "NaN": ([3, np.nan, 1], (3, 4), "values must be finite, 1 of its 3"),
    "infinite": ([np.inf, 2, 1], (3, 4), "values must be finite, 1 of its 3"),
    "complex": ([3, 2j, 1], (3, 4), "values must hold real numbers"),
    "zero": ([0, 0, 0], (3, 4), "values must not all be zero"),
    "constant": ([2, 2, 2], (3, 4), "values must not all be equal, were 2"),
    "empty": ([], (3, 4), "values must hold min.shape. = 3 singular values"),
    "too many for the shape": (
        [3, 2, 1, 0.5],
        (3, 4),
        r"= 3 singular values for shape \(3, 4\), held 4",
    ),
    "too few": ([3], (1, 4), "values must hold at least 2"),
    "two-dimensional": ([[3, 2, 1]], (3, 4), r"values must be one-dimensional, had shape \(1, 3\)"),
    "shape of one": ([3, 2, 1], (3,), r"shape must be two positive integers \(N, M\), was \(3,\)"),
    "shape of three": ([3, 2, 1], (3, 4, 5), "shape must be two positive integers"),
    "fractional shape": ([3, 2, 1], (3, 4.5), "shape must be two positive integers"),
    "zero in shape": ([3, 2, 1], (3, 0), "shape must be two positive integers"),
    "shape not a tuple": ([3, 2, 1], 3, "shape must be two positive integers"),
}


@pytest.mark.parametrize("kind", BAD_SPECTRA)
def test_bad_spectra_are_refused(kind: str) -> None:
    values, shape, message = BAD_SPECTRA[kind]
    with pytest.raises(ValueError, match=message):
        Spectrum(values, shape)  # type: ignore[arg-type]
