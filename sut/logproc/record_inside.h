/* record_inside: what the files of record share. Owner, memory, units, limits, fails: record.h. */
#ifndef SUT_LOGPROC_RECORD_INSIDE_H
#define SUT_LOGPROC_RECORD_INSIDE_H

#include "sut/logproc/record.h"

/* Copies into the batch; NULL when it is full (record_push_log then drops the record). */
const char *record_keep(struct record_batch *b, const char *text);
const char *record_keep_json(struct record_batch *b, const struct json *value);
bool record_push_log(struct record_batch *b, const struct record_log *r);

#endif
