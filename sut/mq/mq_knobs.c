#include "sut/mq/mq_knobs.h"

#include "sut/kit/service.h"
#include "sut/natsq/natsq.h"

const struct knob mq_knobs[MQ_KNOB_COUNT] = {
        [MQ_ACK_WAIT_MS] = KNOB_INT("ack_wait_ms", NATSQ_ACK_WAIT_MS, 1, 600000, "ms", "Consumer", "Ack wait",
                "A job that was not answered for this long is delivered again. Shorter than the work takes: everything is done twice."),
        [MQ_MAX_DELIVER] = KNOB_INT("max_deliver", NATSQ_DELIVER_MAX, -1, 1000, "", "Consumer", "Most deliveries",
                "A job that was delivered this often is not delivered any more. -1 is no limit; 0 is taken as no limit."),
        [MQ_MAX_ACK_PENDING] = KNOB_INT("max_ack_pending", NATSQ_ACK_PENDING_MAX, 1, 10000, "jobs", "Consumer", "Most unanswered jobs",
                "No further job is delivered while this many wait for their answer."),
        [MQ_JOBS_MAX_MESSAGES] = KNOB_INT("jobs_max_messages", -1, -1, 10000000, "jobs", "Streams", "Most jobs in the queue",
                "What happens beyond it is the stream's rule: new jobs are refused. -1 is no limit."),
        [MQ_JOBS_MAX_AGE_S] = KNOB_INT("jobs_max_age_s", 0, 0, 604800, "s", "Streams", "Age of the oldest job",
                "Older jobs are thrown away. 0 is never; at least 120, the time in which a job of the same id counts as a duplicate."),
        [MQ_DEAD_MAX_MESSAGES] = KNOB_INT("dead_max_messages", -1, -1, 10000000, "jobs", "Streams", "Most dead letters", "-1 is no limit."),
        [MQ_FLOOD_RATE] = KNOB_INT("flood_rate", 0, 0, MQ_FLOOD_RATE_MAX, "jobs/s", "Jobs", "Import job",
                "An import puts this many settlements of another shop into the queue every second; real orders wait behind them."),
        [MQ_POISON_RATE] = KNOB_INT("poison_rate", 0, 0, MQ_POISON_RATE_MAX, "jobs/s", "Jobs", "Jobs that cannot be done",
                "A faulty client queues charges that the provider refuses; each is tried again until it becomes a dead letter."),
        [MQ_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
};
