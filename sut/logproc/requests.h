/* requests: what logproc answers over HTTP; the paths and their parameters are in README.md.
 * Owner:  request threads.                   Memory: none kept.
 * Units:  ms.                                Limits: REQUESTS_WAITERS_MAX followers wait at once, REQUESTS_WAIT_MS_MAX each.
 * Fails:  problem answers that name the parameter. */
#ifndef SUT_LOGPROC_REQUESTS_H
#define SUT_LOGPROC_REQUESTS_H

#include <stdatomic.h>

#include "sut/kit/service.h"
#include "sut/logproc/archive.h"
#include "sut/logproc/intake.h"

enum { REQUESTS_WAITERS_MAX = 6, REQUESTS_WAIT_MS_MAX = 10000 };

/* What the handlers get as their ctx. */
struct requests {
        struct archive *archive;
        struct intake *intake;
        atomic_int waiters;
};

/* The ctx of the service begins with a struct requests. */
void requests_routes(struct kit *k);

#endif
