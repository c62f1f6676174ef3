"""The environments of the other tools: one each, made when first needed, never a dependency of the project."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".venv-compare"
REQUIREMENTS = {
    "dlt": ("dlt[duckdb,parquet]==1.31.0", "duckdb==2.0.1", "pyarrow==26.0.1"),
    "singer-tap": ("singer-sdk==0.54.9",),
    "singer-target": ("target-duckdb==0.8.0", "duckdb==2.0.1"),
}


def prepare_environment(name: str) -> Path:
    """Return the folder of an environment's commands, which is made if it is missing."""
    folder = FOLDER / name
    marker = folder / ".complete"
    if not marker.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *REQUIREMENTS[name]], check=True)
        marker.touch()
    return folder / "bin"
