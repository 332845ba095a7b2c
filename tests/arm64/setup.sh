#!/usr/bin/env bash
# Fetch a real arm64 Python with NumPy, for the tests that load artifacts under qemu: Debian's own
# arm64 packages, unpacked into a folder of their own. Nothing is installed on this machine.
#
#   BNNC_ARM64_ROOT   the folder to make (default: ~/.cache/bnnc-tests/arm64)
#   BNNC_APT_SOURCES  an apt sources file that offers arm64 (default: this system's Debian sources)
set -euo pipefail

root=$(realpath -m "${BNNC_ARM64_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/bnnc-tests/arm64}")
if [ -f "$root/ready" ]; then
  echo "arm64 Python: $root ($(cat "$root/ready"))"
  exit 0
fi

stop() {
  echo "tests/arm64/setup.sh: $*" >&2
  exit 1
}
command -v apt-get >/dev/null || stop "needs apt-get (Debian)"
command -v dpkg-deb >/dev/null || stop "needs dpkg"
command -v qemu-aarch64 >/dev/null || stop "needs qemu-aarch64: apt-get install qemu-user"
sources=${BNNC_APT_SOURCES:-/etc/apt/sources.list.d/debian.sources}
[ -f "$sources" ] || sources=/etc/apt/sources.list
[ -f "$sources" ] || stop "no apt sources; name a file with BNNC_APT_SOURCES"

mkdir -p "$(dirname "$root")"
work=$(mktemp -d "$root.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/apt/{lists,archives}/partial "$work/new"
: >"$work/apt/status" # nothing is installed: every dependency is fetched

apt() {
  apt-get -qq -y \
    -oAPT::Architecture=arm64 -oAPT::Architectures=arm64 -oAPT::Install-Recommends=false \
    -oAPT::Sandbox::User= -oAcquire::Languages=none -oAcquire::Retries=3 -oDebug::NoLocking=true \
    -oDir::Etc::SourceList="$sources" -oDir::Etc::SourceParts=- \
    -oDir::State::Lists="$work/apt/lists" -oDir::State::Status="$work/apt/status" \
    -oDir::Cache="$work/apt" -oDir::Cache::Archives="$work/apt/archives" "$@"
}
apt update
apt install --download-only python3-minimal python3-numpy >/dev/null
for package in "$work"/apt/archives/*.deb; do
  dpkg-deb -x "$package" "$work/new"
done

run=$(dirname "$0")/python.sh
version=$(BNNC_ARM64_ROOT="$work/new" "$run" -c '
import platform, numpy
print(platform.machine(), "Python", platform.python_version(), "NumPy", numpy.__version__)')
rm -rf "$root" "$work/new/pycache"
echo "$version" >"$work/new/ready"
mv "$work/new" "$root"
echo "arm64 Python: $root ($version)"
