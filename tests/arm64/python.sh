#!/usr/bin/env bash
# The arm64 Python that setup.sh fetched, run under qemu: python.sh [ARGUMENT...].
# BNNC_ARM64_CPU chooses the processor (qemu's name, default max), BNNC_ARM64_PYTHONPATH adds modules.
set -euo pipefail

root=$(realpath -m "${BNNC_ARM64_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/bnnc-tests/arm64}")
usr=$root/usr
arch=$usr/lib/aarch64-linux-gnu
pythons=("$usr"/bin/python3.[0-9]*[0-9])
libraries=$root/lib/aarch64-linux-gnu:$arch:$arch/blas:$arch/lapack
modules=$usr/lib/python3/dist-packages${BNNC_ARM64_PYTHONPATH:+:$BNNC_ARM64_PYTHONPATH}

exec qemu-aarch64 -cpu "${BNNC_ARM64_CPU:-max}" -L "$root" \
  -E LD_LIBRARY_PATH="$libraries" -E PYTHONHOME="$usr" -E PYTHONPATH="$modules" \
  -E PYTHONPYCACHEPREFIX="$root/pycache" -E PYTHONNOUSERSITE=1 -E OMP_NUM_THREADS=1 \
  "${pythons[0]}" "$@"
