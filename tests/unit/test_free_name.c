/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/linux/free_name.c */
/* DEFINES: _GNU_SOURCE=1 */
/*
 * Whether a domain may have a name: only where nothing stands in the way, whoever made it; and what a killed tool has left behind is
 * never passed over, for refresh() is not called then.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxeno/linux/registry.h"

static const struct domain {
    uint32_t domid;
    const char *record, *foreign; /* its record's name; its name in the store */
    bool alive;
} *domains;
static bool unfinished;
static int records_rc;
static long domains_rc;
static unsigned int asked; /* of the store */

int record_each(const char *dir, void (*fn)(void *ctx, uint32_t domid, const char *name), void *ctx)
{
    ck_assert_str_eq(dir, REGISTRY_LIVING);
    for (const struct domain *d = domains; d->record || d->foreign; d++) {
        if (d->record) {
            fn(ctx, d->domid, d->record);
        }
    }
    return records_rc;
}

long xeno_each_domain(struct xeno *x, void (*fn)(void *ctx, const struct xen_domctl_getdomaininfo *info), void *ctx)
{
    struct xen_domctl_getdomaininfo info = {.domain = 0};

    (void)x;
    fn(ctx, &info);
    for (const struct domain *d = domains; d->record || d->foreign; d++) {
        info.domain = (domid_t)d->domid;
        if (d->alive) {
            fn(ctx, &info);
        }
    }
    return domains_rc;
}

bool registry_foreign_name(struct registry *r, uint32_t domid, char name[DOMAIN_NAME_MAX])
{
    (void)r;
    asked++;
    for (const struct domain *d = domains; d->record || d->foreign; d++) {
        if (d->domid == domid && d->foreign) {
            strcpy(name, d->foreign);
            return true;
        }
    }
    return false;
}

bool unfinished_is_there(void)
{
    return unfinished;
}

static bool is_free(const char *name, const struct domain *of)
{
    static struct xeno_linux l;
    static struct manager m;
    struct registry r = {.l = &l, .m = &m};

    domains = of;
    asked = 0;
    return registry_name_is_free(&r, name);
}

static const struct domain nobody[] = {{0}};
static const struct domain two[] = {{1, "web", NULL, true}, {0x7fef, "db", NULL, true}, {0}};
static const struct domain foreign[] = {{1, "web", NULL, true}, {2, NULL, "theirs", true}, {0}};
static const struct domain left_over[] = {{1, "web", NULL, true}, {2, "gone", NULL, false}, {0}};

START_TEST(test_names)
{
    ck_assert(is_free("web", nobody));
    ck_assert(is_free("we", two));
    ck_assert(!is_free("web", two));
    ck_assert(!is_free("db", two));
    ck_assert_uint_eq(asked, 0);
    ck_assert(is_free("mine", foreign));
    ck_assert_uint_eq(asked, 1);
    ck_assert(!is_free("theirs", foreign));
}
END_TEST

START_TEST(test_left_over)
{
    ck_assert(!is_free("new", left_over));
    ck_assert(!is_free("gone", left_over));
    unfinished = true;
    ck_assert(!is_free("new", two));
    unfinished = false;
    ck_assert(is_free("new", two));
}
END_TEST

START_TEST(test_cannot_look)
{
    records_rc = -EACCES;
    ck_assert(!is_free("new", two));
    records_rc = 0;
    domains_rc = -EPERM;
    ck_assert(!is_free("new", two));
    domains_rc = 0;
}
END_TEST

int main(void)
{
    Suite *s = suite_create("free_name");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, test_names);
    tcase_add_test(tc, test_left_over);
    tcase_add_test(tc, test_cannot_look);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
