/* recording: the text of one recorded run as it travels in a file: written by firedrill export recordings, shipped in models/recordings.
 *
 *     {"recording":1,"source":"16 hex digits: fingerprint of the scenario's YAML","lane":LANE with "scenario" and "track"}
 *
 * Owner:  none, pure. Memory: the caller's. Units: ms. Limits: RECORDING_BYTES_MAX, and those of lane.h.
 * Fails:  recording_read: ERR_PARSE with the member and what was expected of it; the text may come from anybody. */
#ifndef SERVER_RACE_RECORDING_H
#define SERVER_RACE_RECORDING_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "server/race/lane.h"

enum { RECORDING_BYTES_MAX = 256 * 1024, RECORDING_SOURCE_BYTES = 17 };

/* The fingerprint of a scenario's YAML as text. */
void recording_source(uint64_t hash, char dst[static RECORDING_SOURCE_BYTES]);
/* document: of a lane, as lane_recording_json made it. */
MUST_USE enum err recording_write(const char *source, const struct json *document, struct buf *out);
MUST_USE enum err recording_read(const char *bytes, size_t size_bytes, char ret_source[static RECORDING_SOURCE_BYTES], struct lane **ret,
                                 struct err_note *reterr);

#endif
