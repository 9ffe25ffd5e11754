"""Where and with what a run was made: the part of its provenance that is not its configuration."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

_LIBRARIES = ("rmt-helpers", "numpy", "scipy", "torch")


def circumstances(seconds: float) -> dict[str, Any]:
    """Versions, machine, threads and date of a run that has just ended after so many seconds."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{library: version(library) for library in _LIBRARIES},
        },
        "machine": f"{processor()}, {os.cpu_count()} cores, {platform.system()}",
        "threads": 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
    }


def processor() -> str:
    """The processor's model, which Linux alone tells without a helper."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"
