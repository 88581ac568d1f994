#include "server/http/ui.h"

#include <string.h>

#include "common/base/attr.h"
#include "common/base/str.h"

struct ui_type {
        const char *ending, *type;
};

static const struct ui_type ui_types[] = {
        { ".html", "text/html; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" },   { ".svg", "image/svg+xml" },
        { ".png", "image/png" },                 { ".ico", "image/x-icon" },
        { ".woff2", "font/woff2" },              { ".json", "application/json" },
        { ".txt", "text/plain; charset=utf-8" }, { ".webmanifest", "application/manifest+json" },
        { ".map", "application/json" },
};

static const char ui_absent[] =
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Firedrill</title>"
        "<h1>The control panel is not part of this build</h1>"
        "<p>The server runs and its interface is at <a href=\"/api/v1/health\">/api/v1/</a>, but <code>web/dist</code> was absent when it was "
        "built.</p><p>Run <code>./run</code>, or <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code> and build again.</p></html>\n";

static const char *ui_type_of(const char *path)
{
        for (size_t i = 0; i < ARRAY_COUNT(ui_types); i++)
                if (str_ends(path, ui_types[i].ending)) return ui_types[i].type;
        return "application/octet-stream";
}

/* "q=0", "q=0.", "q=0.000": not wanted. */
static bool ui_is_weight_zero(const char *text)
{
        if (strncmp(text, "q=0", 3) != 0) return false;
        text += 3;
        if (*text == '.') text += 1 + strspn(text + 1, "0");
        return *text == '\0' || strchr(", \t", *text);
}

/* Whether a comma-separated field names the word and wants it. */
static bool ui_accepts(const char *field, const char *word)
{
        size_t n = strlen(word);

        for (const char *at = field; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
                const char *rest;

                at += strspn(at, " \t");
                if (strncmp(at, word, n) != 0) continue;
                rest = at + n + strspn(at + n, " \t");
                if (*rest == ',' || *rest == '\0') return true;
                if (*rest == ';') return !ui_is_weight_zero(rest + 1 + strspn(rest + 1, " \t"));
        }
        return false;
}

/* If-None-Match: a list of tags, compared without their mark of weakness, or "*". */
static bool ui_is_known(const char *field, const char *etag)
{
        return field && (strstr(field, str_starts(etag, "W/") ? etag + 2 : etag) || str_eq(field, "*"));
}

static void ui_send(const struct ui_file *file, struct http_exchange *x)
{
        const char *encodings = http_header(x, "Accept-Encoding");
        bool gzip = file->gzip_bytes && encodings && ui_accepts(encodings, "gzip");

        http_set_header(x, "ETag", file->etag);
        http_set_header(x, "Vary", "Accept-Encoding");
        /* The bundler puts a fingerprint into every name below assets/: such a file never changes. */
        http_set_header(x, "Cache-Control", str_starts(file->path, "/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
        if (ui_is_known(http_header(x, "If-None-Match"), file->etag)) {
                http_reply(x, 304, ui_type_of(file->path), "", 0);
                return;
        }
        if (gzip) http_set_header(x, "Content-Encoding", "gzip");
        http_reply(x, 200, ui_type_of(file->path), gzip ? file->gzip : file->plain, gzip ? file->gzip_bytes : file->plain_bytes);
}

void ui_handle(const struct ui_files *files, struct http_exchange *x)
{
        const char *path = str_eq(http_path(x), "/") ? "/index.html" : http_path(x);

        if (!str_eq(http_method(x), "GET") && !str_eq(http_method(x), "HEAD")) {
                http_set_header(x, "Allow", "GET, HEAD");
                http_problem(x, 405, "UNSUPPORTED", "%.16s is not possible here, only GET and HEAD", http_method(x));
                return;
        }
        for (size_t i = 0; i < files->count; i++) {
                if (!str_eq(files->items[i].path, path)) continue;
                ui_send(&files->items[i], x);
                return;
        }
        if (str_eq(path, "/favicon.ico")) { /* browsers ask by themselves on pages that name no icon */
                http_set_header(x, "Cache-Control", "max-age=86400");
                http_reply(x, 204, "image/x-icon", "", 0);
                return;
        }
        if (str_eq(path, "/index.html") && !files->count) {
                http_set_header(x, "Cache-Control", "no-store");
                http_reply_text(x, 503, "text/html; charset=utf-8", ui_absent);
                return;
        }
        http_problem(x, 404, "NOT_FOUND", "there is no page '%.200s'; the control panel is at '/'", path);
}
