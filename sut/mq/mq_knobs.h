/* mq_knobs: what can be set at the message queue adapter; each knob acts on the real streams and the real consumer.
 * Owner: static. Memory: none. Units: in the table. Limits: in the table. Fails: nothing. */
#ifndef SUT_MQ_MQ_KNOBS_H
#define SUT_MQ_MQ_KNOBS_H

#include "sut/kit/knob.h"

enum mq_knob {
        MQ_ACK_WAIT_MS,
        MQ_MAX_DELIVER,
        MQ_MAX_ACK_PENDING,
        MQ_JOBS_MAX_MESSAGES,
        MQ_JOBS_MAX_AGE_S,
        MQ_DEAD_MAX_MESSAGES,
        MQ_FLOOD_RATE,
        MQ_POISON_RATE,
        MQ_LOG_LEVEL,
        MQ_KNOB_COUNT
};

enum { MQ_FLOOD_RATE_MAX = 2000, MQ_POISON_RATE_MAX = 200 };

extern const struct knob mq_knobs[MQ_KNOB_COUNT];

#endif
