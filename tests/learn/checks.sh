#!/bin/bash
# The long checks of the learner: environments, traces, statistics, learners against the exact optimum. Ends with "N passed, N failed".
top=$(cd "$(dirname "$0")/../.." && pwd)
exec "${FD_BUILD_DIR:-$top/build/release}/bin/firedrill-learn" check
