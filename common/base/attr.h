/* attr: compiler attributes and the two ownership words, AUTO and take. Floor 0, no code. */
#ifndef COMMON_BASE_ATTR_H
#define COMMON_BASE_ATTR_H

#define MUST_USE __attribute__((warn_unused_result))
#define FMT_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define NORETURN __attribute__((noreturn))

/* AUTO(x_free) struct x *p = NULL;   p is freed when it leaves scope.
 * Each type says once, below its x_free(): AUTO_DEFINE(struct x, x_free) */
#define AUTO(free_function) __attribute__((cleanup(free_function##_auto)))
#define AUTO_DEFINE(type, free_function)                                                                               \
        static inline __attribute__((unused)) void free_function##_auto(type **p)                                      \
        {                                                                                                              \
                free_function(*p);                                                                                     \
        }

/* take(&p): the value of p, p becomes NULL; the word for "ownership leaves here". */
#define take(pointer_to_pointer)                                                                                       \
        ({                                                                                                             \
                __typeof__(pointer_to_pointer) take_at = (pointer_to_pointer);                                         \
                __typeof__(*take_at) take_value = *take_at;                                                            \
                *take_at = (__typeof__(*take_at))0;                                                                    \
                take_value;                                                                                            \
        })

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
