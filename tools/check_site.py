from pathlib import Path
def problems(html: Path, root: Path, sources: list[Path]) -> list[str]:
    return []
