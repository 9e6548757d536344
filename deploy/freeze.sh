#!/bin/sh
# Writes the constraints anew from the two environments as they stand: run it after a deliberate
# upgrade, never as a part of the set-up.
set -eu
cd "$(dirname "$0")/.."
for pair in .venv:constraints .venv-vllm:vllm-constraints; do
    folder=${pair%%:*} file=deploy/${pair##*:}.txt
    {
        echo "# Exact versions of everything in $folder. Written by deploy/freeze.sh."
        # A local version ("+cpu") names one index's build, and would pin to that index.
        "$folder/bin/python" -m pip freeze --exclude-editable | grep -v ' @ ' | sed 's/+[a-z0-9.]*$//'
    } >"$file.new"
    mv "$file.new" "$file"
done
