/* track: the standings of a run, one after the other, as a recording keeps them: after the first, each has only the members that changed,
 * members of members as well (about 40 % of the bytes). A member that is gone is kept as null, which reads the same.
 * Owner:  none, pure. Memory: the answer is the caller's. Units: none. Limits: those of the list given.
 * Fails:  out of memory: as the builders of json.h. */
#ifndef SERVER_RACE_TRACK_H
#define SERVER_RACE_TRACK_H

#include "common/text/json.h"

struct json *track_thin(const struct json *track);
struct json *track_whole(const struct json *thin); /* one that is whole already stays as it is */

#endif
