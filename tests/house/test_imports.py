"""Who may import whom: the contracts in pyproject.toml, checked by import-linter."""

import subprocess
import sys
from pathlib import Path

from loreloom.workers.settings import PROJECT


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(linter), "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
