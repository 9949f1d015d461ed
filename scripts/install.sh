#!/bin/sh
# Installs the project's dependencies when they are missing or not those of the lock file. Prints nothing when there is nothing to do.
set -e
cd "$(dirname "$0")/.."
# What was installed, by its content: times change with every checkout and copy.
stamp=node_modules/.installed-lock
if [ ! -x node_modules/.bin/bun ] || ! cmp -s package-lock.json "$stamp"; then
  if ! { mkdir -p node_modules && [ -w node_modules ]; } 2>/dev/null; then
    echo "Holdfast's dependencies must be installed, and $(id -un) may not write to $PWD." >&2
    echo "Run this once as the owner of that folder: sh $PWD/scripts/install.sh" >&2
    exit 1
  fi
  echo "Installing Holdfast's dependencies (once) ..." >&2
  # Not `npm ci`: it refuses the lock file where a registry lacks a package that only another platform would need.
  npm install --no-save --no-fund --no-audit --no-update-notifier --loglevel=error >&2
  cp package-lock.json "$stamp"
fi
