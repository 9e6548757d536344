"""Runs the benchmarks one after the other; ``python -m benchmarks acts search`` runs some."""

import subprocess
import sys

ALL = ("acts", "chronicle", "contributions", "lists", "search", "generation", "life", "worlds")


def main() -> int:
    """Run those that were named, or all; returns 1 if one failed."""
    named = sys.argv[1:] or list(ALL)
    unknown = sorted(set(named) - set(ALL))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(ALL)}")
        return 2
    failed = 0
    for name in named:
        print(f"\n{name}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
