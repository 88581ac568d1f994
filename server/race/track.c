#include "server/race/track.h"

static bool are_objects(const struct json *a, const struct json *b)
{
        return json_is(a, JSON_OBJECT) && json_is(b, JSON_OBJECT);
}

/* What of `now` is not as in `before`; both are objects. */
static struct json *changed(const struct json *before, const struct json *now)
{
        struct json *j = json_object();

        JSON_EACH(member, now)
        {
                const struct json *was = json_get(before, json_key(member));

                if (are_objects(was, member) && !json_equal(was, member))
                        json_set(j, json_key(member), changed(was, member));
                else if (!was || !json_equal(was, member))
                        json_set(j, json_key(member), json_clone(member));
        }
        JSON_EACH(member, before)
                if (!json_get(now, json_key(member)) && !json_is(member, JSON_NULL)) json_set_null(j, json_key(member));
        return j;
}

static struct json *applied(const struct json *before, const struct json *change)
{
        struct json *j = json_clone(before);

        JSON_EACH(member, change)
        {
                const struct json *was = json_get(before, json_key(member));

                json_set(j, json_key(member), are_objects(was, member) ? applied(was, member) : json_clone(member));
        }
        return j;
}

struct json *track_thin(const struct json *track)
{
        struct json *list = json_array();
        const struct json *before = NULL;

        JSON_EACH(now, track)
        {
                json_push(list, are_objects(before, now) ? changed(before, now) : json_clone(now));
                before = now;
        }
        return list;
}

struct json *track_whole(const struct json *thin)
{
        struct json *list = json_array();
        const struct json *before = NULL; /* lent by the list */

        JSON_EACH(change, thin)
        {
                struct json *now = are_objects(before, change) ? applied(before, change) : json_clone(change);

                json_push(list, now);
                before = now;
        }
        return list;
}
