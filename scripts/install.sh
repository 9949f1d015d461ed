#!/bin/sh
# Installs the project's dependencies when they are missing or older than the lock file. Prints nothing when there is nothing to do.
set -e
cd "$(dirname "$0")/.."
if [ ! -x node_modules/.bin/bun ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing Holdfast's dependencies (once) ..." >&2
  # Not `npm ci`: it refuses the lock file where a registry lacks a package that only another platform would need.
  npm install --no-save --no-fund --no-audit --loglevel=error >&2
  touch node_modules/.package-lock.json
fi
