"""Every failure of CUDA that a user can do something about has one line that says what."""

from __future__ import annotations

import pytest

from lrhdr.errors import BackendError, InputError
from lrhdr_engines.device.errors import FAILURES, explain, explain_code, explained, missing

NAMED = [(name, failure) for failure in FAILURES for name in failure.names]
PHRASED = [(phrase, failure) for failure in FAILURES for phrase in failure.phrases]


@pytest.mark.parametrize(("name", "failure"), NAMED)
def test_by_name(name: str, failure: object) -> None:
    error = explain_code(f"CUDA_ERROR_{name}", "cuMemAlloc")
    assert error.exit_code == 2
    assert str(error).startswith(f"{failure.says} (CUDA_ERROR_{name} by cuMemAlloc). ")  # type: ignore[attr-defined]
    assert str(error).endswith(f"{failure.remedy}.")  # type: ignore[attr-defined]


@pytest.mark.parametrize(("phrase", "failure"), PHRASED)
def test_by_phrase(phrase: str, failure: object) -> None:
    error = explain(f"cuSomething failed:\n{phrase.capitalize()} - so it is")
    assert failure.says in str(error)  # type: ignore[attr-defined]
    assert "\n" not in str(error)


def test_no_two_failures_share_a_name() -> None:
    names = [name for name, _ in NAMED]
    assert len(set(names)) == len(names)


def test_every_name_is_one_of_cudas() -> None:
    driver = pytest.importorskip("cuda.bindings.driver", reason="cuda-bindings is not installed")
    known = {code.name for code in driver.CUresult}
    assert {f"CUDA_ERROR_{name}" for name, _ in NAMED} <= known


@pytest.mark.parametrize(
    ("message", "says"),
    [
        # As cuda-core and pycuda put it.
        ("CUDA_ERROR_OUT_OF_MEMORY: The API call failed because it was", "out of memory"),
        ("cuMemAlloc failed: out of memory", "out of memory"),
        ("cuInit failed: no CUDA-capable device is detected", "no NVIDIA GPU that can be used"),
        ("cuStreamSynchronize failed: an illegal memory access was encountered", "was lost"),
        ("libcuda.so.1: cannot open shared object file: No such file", "no NVIDIA driver"),
        ("CUDA driver version is insufficient for CUDA runtime version", "too old"),
    ],
)
def test_what_the_libraries_say(message: str, says: str) -> None:
    assert says in str(explain(message))


def test_a_name_goes_before_a_phrase() -> None:
    assert "was lost" in str(explain("CUDA_ERROR_LAUNCH_FAILED: perhaps out of memory"))


def test_the_unknown_is_called_a_defect_in_one_line() -> None:
    error = explain("CUDA_ERROR_INVALID_VALUE:\n  one or more\tparameters " + "x" * 1000)
    assert str(error).startswith("CUDA failed: CUDA_ERROR_INVALID_VALUE: one or more parameters x")
    assert "defect of lrhdr" in str(error)
    assert len(str(error)) < 400


def test_errors_of_ours_pass_unchanged() -> None:
    ours = InputError("this")
    with pytest.raises(InputError) as caught, explained():
        raise ours
    assert caught.value is ours
    with pytest.raises(BackendError, match="out of memory") as told, explained():
        raise RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: so it is")
    assert isinstance(told.value.__cause__, RuntimeError)


def test_a_library_that_is_not_there_and_one_that_lacks_the_driver() -> None:
    absent = missing("pycuda.driver", "pycuda", ImportError("No module named 'pycuda'"))
    assert str(absent).endswith("Run: pip install pycuda.")
    broken = missing("pycuda.driver", "pycuda", ImportError("libcuda.so.1: cannot open"))
    assert "no NVIDIA driver was found" in str(broken)
