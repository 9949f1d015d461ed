#!/bin/sh
# Runs a script of this project with the pinned Bun, after installing what is missing.
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
sh "$root/scripts/install.sh"
exec "$root/node_modules/.bin/bun" "$@"
