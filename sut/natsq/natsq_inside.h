/* natsq_inside: what the files of this room share. Owner, memory, units, limits, fails: natsq.h. */
#ifndef SUT_NATSQ_NATSQ_INSIDE_H
#define SUT_NATSQ_NATSQ_INSIDE_H

#include <nats/nats.h>

#include "sut/natsq/natsq.h"

struct natsq {
        natsConnection *connection;
        jsCtx *js;
};

enum { NATSQ_NS_PER_MS = 1000000 };

const char *natsq_stream_name(enum natsq_stream stream);
/* Translates NATS' result into ours. */
enum err natsq_told(natsStatus status, jsErrCode code, const char *doing, struct err_note *reterr);
void natsq_wait(jsOptions *options, int64_t timeout_ms);

#endif
