#!/bin/bash
# The shipped model is what its command makes, bit for bit (docs/learning.md). Ends with "N passed, N failed".
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
"${FD_BUILD_DIR:-$top/build/release}/bin/firedrill-learn" train --seed 1 --out "$work/default.fdlm" || exit 3
if cmp "$work/default.fdlm" "$top/models/default.fdlm"; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; exit 1; fi
