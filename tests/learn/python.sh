#!/bin/bash
# The Python module against a port of Gymnasium's environment checker. Ends with "N passed, N failed".
top=$(cd "$(dirname "$0")/../.." && pwd)
exec python3 "$top/learn/python/check.py" "${FD_BUILD_DIR:-$top/build/release}/lib/libfiredrill_learn.so" "$top/models/default.fdlm"
