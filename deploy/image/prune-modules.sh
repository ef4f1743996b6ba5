#!/bin/sh
# Removes from a node_modules what no process reads: types, source maps of packages, and optional peers that npm installs although
# the servers use their packages without them (TypeScript, and React with what it needs).
set -eu
for name in typescript react loose-envify js-tokens .bin/tsc .bin/tsserver .bin/loose-envify; do rm -rf "${1:?}/$name"; done
find "$1" -type d -name '@types' -prune -exec rm -rf {} +
find "$1" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
