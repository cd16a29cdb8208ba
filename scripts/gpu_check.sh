#!/bin/bash
# Check everything that can run on a graphics card, beside the CPU, in ten minutes:
#
#     scripts/gpu_check.sh [OUTPUT]
#
# It installs nothing. OUTPUT (default: gpu-check) gets tests.xml, the figures of each
# suite on both devices, and gpu-check.json with all of them and what failed.
set -u
cd "$(dirname "$0")/.."
output=${1:-gpu-check}
python=${PYTHON:-$(test -x .venv/bin/python && echo .venv/bin/python || command -v python3)}
seconds=600
mkdir -p "$output"

left() { echo $((seconds - SECONDS)); }

"$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || {
    echo "There is no CUDA device that torch can use." >&2
    exit 1
}
failed=()
timeout "$(left)" "$python" -m pytest -q -m gpu --junitxml "$output/tests.xml" tests \
    || failed+=(tests)
# The cards come first: what time is left goes to the CPU beside them.
for device in cuda cpu; do
    for suite in clustering table1 pipeline preview learning; do
        if [ "$suite" = preview ] && [ -z "${DISPLAY:-}" ]; then
            echo "preview: skipped, there is no display"
            continue
        fi
        if [ "$(left)" -lt 10 ]; then
            failed+=("$suite on $device: no time left")
            continue
        fi
        timeout "$(left)" "$(dirname "$python")/fastershift" benchmark "$suite" --quick \
            --device "$device" -o "$output/$device" \
            --json "$output/$suite-$device.json" || failed+=("$suite on $device")
    done
done
"$python" - "$output" ${failed[@]+"${failed[@]}"} <<'PYTHON'
import json
import sys
from pathlib import Path

folder, *failed = sys.argv[1:]
# Of cuda and cpu, not gpu-check.json itself.
files = sorted(Path(folder).glob("*-c[pu]*.json"))
figures = {one.stem: json.loads(one.read_text()) for one in files}
report = {"failed": failed, "figures": figures}
Path(folder, "gpu-check.json").write_text(json.dumps(report, indent=2))
print(f"{folder}/gpu-check.json: " + (f"failed: {failed}" if failed else "all passed"))
sys.exit(bool(failed))
PYTHON
