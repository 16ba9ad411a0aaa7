"""From a bundle to a model on the GPU at hand: the parts put together. Not run on a GPU."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from lrhdr.contract import EXTRACT, Precision
from lrhdr.errors import BackendError
from lrhdr_engines.backends.onnxruntime_backend import OnnxRuntimeBackend
from lrhdr_engines.build.accept import Run
from lrhdr_engines.build.cache import EngineCache
from lrhdr_engines.build.fallback import Forms
from lrhdr_engines.build.forms import Form, precision_of
from lrhdr_engines.build.gpu import Gpu, current_gpu
from lrhdr_engines.build.job import Job
from lrhdr_engines.build.location import engines_folder
from lrhdr_engines.build.settings import Builder, BuildSettings, Report
from lrhdr_engines.build.sizes import Shapes, Size
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.device.kernels import PluginKernels
from lrhdr_engines.device.opening import open_device
from lrhdr_engines.device.protocol import Device, Programs
from lrhdr_engines.device.tensorrt_programs import TensorRtPrograms
from lrhdr_engines.doctor.driver import driver_version
from lrhdr_engines.engine import Engine, EngineChoice
from lrhdr_engines.gpu.acceptance import Acceptance
from lrhdr_engines.gpu.arrays import OnArrays
from lrhdr_engines.gpu.compiled import CompiledKernels
from lrhdr_engines.gpu.engines import Engines
from lrhdr_engines.gpu.loader import PlanLoader
from lrhdr_engines.gpu.model import GpuBackend, GpuEngine, GpuModel
from lrhdr_engines.plugin import find_plugin

Compile = Callable[[Size, Forms], Programs]


def open_gpu_model(
    bundle: Bundle,
    builder: Builder,
    choice: EngineChoice,
    *,
    threads: int | None,
    report: Report,
) -> GpuModel:
    """Open the GPU, and accept the bundle's engines on it.

    Args:
        bundle: the model.
        builder: what builds and runs the engines.
        choice: the precision; "auto" is fp16.
        threads: CPU threads of what judges, and of what masks are asked of.
        report: told what is built, how long it takes, and the figures.

    Raises:
        BackendError: something is missing or fails; the engines do not reproduce the goldens.
        BundleError: a file has changed or is missing.
        OutputError: the cache cannot be written.
    """
    if choice == "bf16":
        raise BackendError("--engine bf16 on a GPU", expected="auto, fp16 or fp32")
    device = open_device()
    try:
        gpu = current_gpu()
        if gpu is None:
            raise BackendError("the driver does not describe its GPU", next_step="Run: nvidia-smi")
        library = find_plugin(sm=gpu.sm, report=report)
        kernels = PluginKernels(library)
        cache = EngineCache(engines_folder())
        compiled = CompiledKernels(
            folder=cache.folder, gpu=gpu, driver=driver_version() or "unknown", report=report
        )
        loader = PlanLoader.open(builder, compiled)
        engines = Engines(
            order=orders(bundle, builder, gpu, library),
            cache=cache,
            load=loader.load,
            report=report,
        )

        def programs(size: Size, forms: Forms) -> Programs:
            name = f"{precision_of(forms[EXTRACT])} by {builder}"
            contexts = engines.contexts(size, forms)
            return TensorRtPrograms(name, contexts, kernels, warm=loader.save)

        precision: Precision = "fp16" if choice == "auto" else choice
        cpu = OnnxRuntimeBackend(cuda=False)
        reference = functools.cache(lambda: Engine(bundle, cpu, "fp32", threads=threads))
        return assemble(bundle, builder, precision, gpu, device, engines, programs, reference)
    except BaseException:
        device.close()
        raise


def orders(
    bundle: Bundle, builder: Builder, gpu: Gpu, library: Path
) -> Callable[[str, Size, Form], Job]:
    """What a bundle's plans are made of, for one GPU, with this plugin library."""
    # TensorRT knows its GPU; TensorRT-RTX is told, so that the plan is no bigger than it must be.
    settings = BuildSettings(builder=builder, sms=(gpu.sm,) if builder == "tensorrt-rtx" else ())

    def order(graph: str, size: Size, form: Form) -> Job:
        shapes = Shapes.fixed(size)
        return Job.of(bundle, graph, shapes, form, settings, lambda: library)

    return order


def assemble(
    bundle: Bundle,
    builder: Builder,
    precision: Precision,
    gpu: Gpu,
    device: Device,
    engines: Engines,
    programs: Compile,
    reference: Callable[[], Engine],
) -> GpuModel:
    """A model whose engines were accepted at the golden size.

    Args:
        bundle: the model.
        builder: of the engines.
        precision: that was asked for; the model's may be another, if only that is accepted.
        gpu: at hand.
        device: the same, opened.
        engines: of the bundle.
        programs: makes what runs on the device, from the engines of a padded size.
        reference: loads the FP32 engine on the CPU.

    Raises:
        BackendError: the engines do not reproduce the goldens.
        OutputError: a plan cannot be kept.
    """
    report, manifest = engines.report, bundle.manifest

    def prepare(size: Size, forms: Forms) -> Run:
        precisions = {graph: precision_of(form) for graph, form in forms.items()}
        return OnArrays(device, programs(size, forms), manifest, size, precisions).run

    accepted = Acceptance(
        bundle=bundle,
        gpu=gpu,
        engines=engines,
        prepare=prepare,
        trusted=lambda: reference().run,
        report=report,
    ).forms(precision)
    slower = [f"{graph} in {form}" for graph, form in accepted.items() if form != precision]
    if slower:
        report(f"not accurate enough in {precision} on this GPU: {', '.join(slower)}")
    engine = GpuEngine(
        manifest=manifest,
        precision=precision_of(accepted[EXTRACT]),
        backend=GpuBackend(name=builder, device=f"GPU ({gpu.name})"),
    )
    return GpuModel(engine, device, lambda size: programs(size, accepted), reference)
