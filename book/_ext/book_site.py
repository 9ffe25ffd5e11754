"""What the theme leaves to be done: stale outputs, scripts that nobody needs, and markup that readers' tools need."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def pages_with_new_outputs(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> Iterable[str]:
    """Pages whose text is unchanged but whose code was run again since they were read."""
    from jupyter_cache import get_cache
    from myst_nb.sphinx_ import NbMetadataCollector

    cache = get_cache(env.mystnb_config.execution_cache_path)  # type: ignore[attr-defined]
    runs = {record.created.timestamp() for record in cache.list_cache_records()}
    for name in env.found_docs:
        run = NbMetadataCollector.get_exec_data(env, name)
        if run is not None and run["mtime"] not in runs:
            yield name


def start_renderer(app: Sphinx) -> None:
    """Give a busy machine time to render mathematics, and do not leave the renderer to the interpreter's exit."""
    from sphinxcontrib import katex

    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0


def stop_renderer(app: Sphinx, error: Exception | None) -> None:
    import atexit

    from sphinxcontrib.katex import KaTeXServer

    server = KaTeXServer.katex_server
    if server is not None:
        atexit.unregister(KaTeXServer.terminate)
        KaTeXServer.katex_server = None
        server.terminate()
        server.process.wait()


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("env-get-outdated", pages_with_new_outputs)
    app.connect("builder-inited", start_renderer)
    app.connect("build-finished", stop_renderer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
