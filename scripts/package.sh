#!/usr/bin/env bash
# Writes to dist/ what scripts/submit.sh ships to a cluster's machines. Called by `make package`.
#   scripts/package.sh              the packages of requirements.txt without torch: under a minute, 0.4 GB
#   scripts/package.sh with-torch   with torch and its CUDA libraries: some minutes, about 6 GB
#   scripts/package.sh code         only this project's code; scripts/submit.sh does so before each job
# Without torch in the archive the machines bring their own, of the same version, on Python's path.
# UAE_PYTHON_PREFIX says where Python 3.11 lies on them (/usr, say) if not where this one lies.
# Each part is stamped with a digest of what it was made from; a second call does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
torch=${1:-without-torch}
prefix=${UAE_PYTHON_PREFIX:-}
python=.venv/bin/python

fail() { printf 'package: %s\n' "$1" >&2; exit 1; }
case "$torch" in
  with-torch | without-torch)
    [ -x .venv/bin/venv-pack ] || fail ".venv lacks venv-pack; run 'make setup-dev' first"
    ls .venv/share/uae/jars/*.jar > /dev/null 2>&1 || fail ".venv has no Delta jars; run 'make setup' first"
    ;;
  code) ;;
  *) fail "'$torch' is not with-torch, without-torch or code" ;;
esac
mkdir -p dist

digest() { sha256sum | cut -c1-16; }
is_done() { [ -e "dist/$1" ] && [ "$(cat "dist/.stamp-$1" 2> /dev/null)" = "$2" ]; }
mark_done() { echo "$2" > "dist/.stamp-$1"; }

pack_environment() {
  local stamp
  stamp=$({ cat requirements.txt scripts/package.sh; echo "$torch $prefix"; } | digest)
  is_done environment.tar.gz "$stamp" && return
  echo "package: packing .venv, $torch (once)"
  "$python" - "$torch" "$prefix" <<'PYTHON' || fail "the environment could not be packed: see the message above."
"""Pack what requirements.txt names: no test tools, no Spark jars (the cluster has Spark), no editable install."""

import importlib.metadata
import os
import re
import sys

import venv_pack

with_torch, prefix = sys.argv[1] == "with-torch", sys.argv[2] or None
pinned = re.findall(r"^([A-Za-z0-9._-]+)==", open("requirements.txt").read(), flags=re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


wanted = {normal(name) for name in pinned}
if not with_torch:
    wanted = {name for name in wanted if not re.match(r"(torch|triton|nvidia|cuda)(-|$)", name)}

site = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
kept, dropped = set(), set()
for found in importlib.metadata.distributions(path=[f".venv/{site}"]):
    names = kept if normal(found.metadata["Name"]) in wanted else dropped
    for file in found.files or ():
        in_environment = os.path.normpath(f"{site}/{file}").split(os.sep)
        is_package = in_environment[:3] == site.split("/")
        names.add("/".join(in_environment[:4] if is_package else in_environment))

environment = venv_pack.Env(".venv")
for name in sorted(dropped - kept) + [f"{site}/pyspark/jars", f"{site}/__pycache__", "share/uae"]:
    environment = environment.exclude(name).exclude(f"{name}/*")
environment.pack("dist/environment.part.tar.gz", python_prefix=prefix, compress_level=1, force=True)
os.chmod("dist/environment.part.tar.gz", 0o644)
os.replace("dist/environment.part.tar.gz", "dist/environment.tar.gz")
PYTHON
  mark_done environment.tar.gz "$stamp"
}

pack_code() {
  local stamp
  stamp=$(find uae_model jobs scripts/package.sh -type f -not -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | digest)
  is_done uae.zip "$stamp" && return
  "$python" - <<'PYTHON'
"""Zip the project's code, sorted and with fixed times, so that the same code gives the same file."""

import os
import zipfile
from pathlib import Path

part = f"dist/uae.{os.getpid()}.part.zip"  # jobs that are submitted at the same time do not share it
with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
    for file in sorted(file for folder in ("uae_model", "jobs") for file in Path(folder).rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            archive.writestr(zipfile.ZipInfo(str(file), (2026, 1, 1, 0, 0, 0)), file.read_bytes())
os.replace(part, "dist/uae.zip")
PYTHON
  mark_done uae.zip "$stamp"
}

copy_jars() {
  local stamp
  stamp=$(sha256sum .venv/share/uae/jars/*.jar | digest)
  is_done jars "$stamp" && return
  rm -rf dist/jars
  mkdir dist/jars
  cp .venv/share/uae/jars/*.jar dist/jars/
  mark_done jars "$stamp"
}

pack_code
[ "$torch" != code ] || exit 0
pack_environment
copy_jars
cat <<END
package: dist/environment.tar.gz ($(du -h dist/environment.tar.gz | cut -f1), $torch), dist/uae.zip, dist/jars/
Submit a night from this folder with
  UAE_SITE_CONF=my-cluster.conf scripts/submit.sh standalone nightly --config my.toml --date 2026-01-13
where my-cluster.conf names the master (spark.master spark://HOST:7077); 'yarn' needs HADOOP_CONF_DIR instead.
END
if [ "$torch" = without-torch ]; then
  echo "The cluster's machines need torch $("$python" -c 'import importlib.metadata as m; print(m.version("torch").split("+")[0])') of their own, or use: scripts/package.sh with-torch"
fi
