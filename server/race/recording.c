#include "server/race/recording.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/text/schema.h"

static const char file_schema[] =
#include "server/race/recording.inc"
        ;

void recording_source(uint64_t hash, char dst[static RECORDING_SOURCE_BYTES])
{
        (void)snprintf(dst, RECORDING_SOURCE_BYTES, "%016" PRIx64, hash);
}

/* The first finding is told. */
static void report(void *ctx, const char *pointer, const char *detail)
{
        struct err_note *note = ctx;

        if (!note->text[0]) (void)err_note(note, ERR_PARSE, "'%.80s' %.160s", *pointer ? pointer : "/", detail);
}

static enum err check(const struct json *file, struct err_note *reterr)
{
        AUTO(json_free) struct json *schema = NULL;
        struct err_note first = {0};
        enum err e = json_parse(file_schema, sizeof(file_schema) - 1, &schema, reterr);

        if (e) return e;
        if (!schema_check(schema, file, report, &first)) return ERR_OK;
        return err_note(reterr, ERR_PARSE, "%s", first.text);
}

enum err recording_write(const char *source, const struct json *document, struct buf *out)
{
        AUTO(json_free) struct json *j = json_object();

        json_set_num(j, "recording", 1);
        json_set_str(j, "source", source);
        json_set(j, "lane", json_clone(document));
        return json_print(j, out);
}

enum err recording_read(const char *bytes, size_t size_bytes, char ret_source[static RECORDING_SOURCE_BYTES], struct lane **ret,
                        struct err_note *reterr)
{
        AUTO(json_free) struct json *file = NULL;
        enum err e;

        if (size_bytes > RECORDING_BYTES_MAX)
                return err_note(reterr, ERR_LIMIT, "it has %zu bytes, at most %d are read", size_bytes, (int)RECORDING_BYTES_MAX);
        e = json_parse(bytes, size_bytes, &file, reterr);
        if (!e) e = check(file, reterr);
        if (e) return e;
        str_cut(ret_source, RECORDING_SOURCE_BYTES, json_get_str(file, "source", ""));
        e = lane_read(json_get(file, "lane"), ret);
        return e ? err_note(reterr, e, "its lane cannot be read: %s", err_text(e)) : ERR_OK;
}
