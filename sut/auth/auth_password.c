#include "sut/auth/auth_password.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"

/* The password on record; false if there is no such customer. */
static bool record_of(const char *email, char *dst, size_t dst_bytes)
{
        static const char before[] = "customer.", after[] = "@example.com";
        char number[8] = "";
        int64_t n;
        size_t digits;

        if (!str_starts(email, before)) return false;
        digits = strcspn(email + strlen(before), "@");
        if (digits >= sizeof number || !str_eq(email + strlen(before) + digits, after)) return false;
        memcpy(number, email + strlen(before), digits);
        if (str_parse_i64(number, 1, AUTH_CUSTOMERS_MAX, &n)) return false;
        snprintf(dst, dst_bytes, "customer-%lld", (long long)n);
        return true;
}

enum err auth_password_check(const char *email, const char *password, int rounds)
{
        char record[32] = "", setting[64], stored[256];
        struct crypt_data *work;
        bool known = record_of(email, record, sizeof record), same;
        const char *hash;

        if (strlen(password) >= AUTH_PASSWORD_BYTES) return ERR_DENIED;
        work = mem_zalloc(1, sizeof *work);
        if (!work) return ERR_NOMEM;
        snprintf(setting, sizeof setting, "$6$rounds=%d$firedrillshop$", rounds);
        hash = crypt_r(record, setting, work);
        str_cut(stored, sizeof stored, hash ? hash : "*");
        hash = crypt_r(password, setting, work); /* also for unknown customers: the time must not tell who exists */
        same = hash && hash[0] != '*' && str_eq(hash, stored);
        mem_free(work);
        return known && same ? ERR_OK : ERR_DENIED;
}
