#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "sut/jwt/token.h"

static struct token_keys keys_of_two(void)
{
        struct token_keys keys = { 0 };

        token_keys_rotate(&keys, 3);
        token_keys_rotate(&keys, 3);
        return keys;
}

static void issue(const struct token_keys *keys, int key, const char *kind, char *token)
{
        struct token_claims claims = { .issued_s = 1000, .expires_s = 1300 };

        str_cut(claims.subject, sizeof claims.subject, "customer.1@example.com");
        str_cut(claims.kind, sizeof claims.kind, kind);
        assert_int_equal(token_issue(&keys->keys[key], &claims, token), ERR_OK);
}

static void test_times(void **state)
{
        static const struct {
                const char *name;
                int64_t now_s, leeway_s;
                enum err want;
        } rows[] = {
                { "fresh", 1000, 0, ERR_OK },           { "last second", 1299, 0, ERR_OK },   { "expired", 1300, 0, ERR_TIMEOUT },
                { "expired, leeway", 1304, 5, ERR_OK }, { "beyond leeway", 1305, 5, ERR_TIMEOUT }, { "too early", 999, 0, ERR_STATE },
                { "early, leeway", 995, 5, ERR_OK },    { "too early for it", 994, 5, ERR_STATE },
        };
        struct token_keys keys = keys_of_two();
        char token[TOKEN_BYTES_MAX];

        (void)state;
        issue(&keys, 0, "access", token);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct token_claims claims = { .subject = "poison" };
                struct err_note note = { 0 };

                if (token_check(&keys, token, "access", rows[i].now_s, rows[i].leeway_s, &claims, &note) != rows[i].want)
                        fail_msg("%s: %s", rows[i].name, note.text);
                assert_string_equal(claims.subject, rows[i].want ? "poison" : "customer.1@example.com");
        }
}

static void test_session(void **state)
{
        struct token_keys keys = keys_of_two();
        struct token_claims claims = { .subject = "customer.1@example.com", .kind = "refresh", .session = "0123456789abcdef0123456789abcdef", .issued_s = 1000,
                                       .expires_s = 1300 }, got = { .session = "poison" };
        char token[TOKEN_BYTES_MAX];
        struct err_note note;

        (void)state;
        assert_int_equal(token_issue(&keys.keys[0], &claims, token), ERR_OK);
        assert_int_equal(token_check(&keys, token, "refresh", 1000, 0, &got, &note), ERR_OK);
        assert_string_equal(got.session, claims.session);
        issue(&keys, 0, "refresh", token);
        assert_int_equal(token_check(&keys, token, "refresh", 1000, 0, &got, &note), ERR_OK);
        assert_string_equal(got.session, "");
}

static void test_keys(void **state)
{
        struct token_keys keys = keys_of_two(), other = keys_of_two(), copy;
        char old[TOKEN_BYTES_MAX], forged[TOKEN_BYTES_MAX];
        struct token_claims claims;
        struct err_note note;
        struct json *j;

        (void)state;
        issue(&keys, 1, "access", old); /* signed before the last rotation */
        assert_int_equal(token_check(&keys, old, "access", 1001, 0, &claims, &note), ERR_OK);
        assert_int_equal(token_check(&other, old, "access", 1001, 0, &claims, &note), ERR_NOT_FOUND);
        str_cut(other.keys[0].kid, sizeof other.keys[0].kid, keys.keys[1].kid); /* same name, other secret */
        assert_int_equal(token_check(&other, old, "access", 1001, 0, &claims, &note), ERR_DENIED);
        assert_int_equal(token_check(&keys, old, "refresh", 1001, 0, &claims, &note), ERR_DENIED);
        str_cut(forged, sizeof forged, old);
        forged[strlen(forged) / 2] ^= 1;
        assert_int_not_equal(token_check(&keys, forged, "access", 1001, 0, &claims, &note), ERR_OK);
        /* {"alg":"none","kid":...} without a signature */
        assert_int_not_equal(token_check(&keys, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "access", 1001, 0, &claims, &note), ERR_OK);
        assert_int_equal(token_check(&keys, "nonsense", "access", 1001, 0, &claims, &note), ERR_PARSE);
        j = token_keys_json(&keys);
        assert_int_equal(token_keys_parse(j, &copy, &note), ERR_OK);
        assert_memory_equal(&copy, &keys, sizeof keys);
        json_free(j);
        token_keys_rotate(&keys, 3);
        assert_int_equal(keys.count, 3);
        token_keys_rotate(&keys, 3); /* the old key is gone now */
        assert_int_equal(keys.count, 3);
        assert_int_equal(token_check(&keys, old, "access", 1001, 0, &claims, &note), ERR_NOT_FOUND);
}

static void test_bad_key_sets(void **state)
{
        static const char *const rows[] = { "{}", "{\"keys\":[]}", "{\"keys\":[{\"kid\":\"a\"}]}", "{\"keys\":[{\"kid\":\"a\",\"k\":\"AA\"}]}",
                                            "{\"keys\":[{\"kid\":\"\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
                                            "{\"keys\":[{\"kid\":\"a\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A\"}]}" };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct token_keys keys = { .count = 7 };
                struct json *j = NULL;

                assert_int_equal(json_parse(rows[i], strlen(rows[i]), &j, NULL), ERR_OK);
                assert_int_equal(token_keys_parse(j, &keys, NULL), ERR_PARSE);
                assert_int_equal(keys.count, 7);
                json_free(j);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_times), cmocka_unit_test(test_session), cmocka_unit_test(test_keys), cmocka_unit_test(test_bad_key_sets) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
