/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * NATIVE: yes
 * libpvk's memory on real page tables: the allocator gives distinct zeroed pages and takes them back, the image has the
 * rights that it should have, windows map and unmap, and malloc keeps blocks apart.
 */
#include <stdlib.h>
#include <string.h>

#include "framework/test.h"
#include "pvk/memory.h"

extern char __rodata_start[];

static void check_image(void)
{
    static const char constant[] = "constant";
    static char variable[16];
    unsigned rights;
    pfn_t pfn;

    test_check(map_lookup((void *)(uintptr_t)check_image, &pfn, &rights) && rights == MAP_X,
               "code can be executed and not written");
    test_check(map_lookup(constant, &pfn, &rights) && rights == MAP_R,
               "constants can only be read");
    test_check(map_lookup(variable, &pfn, &rights) && rights == MAP_W, "variables can be written");
    test_check(!probe_write(__rodata_start, 0), "a write to a constant faults");
}

static void check_pages(void)
{
    uint64_t before = page_nr_free();
    unsigned char *pages[16];
    unsigned wrong = 0;

    for (unsigned order = 0; order < 4; order++) {
        size_t size = (size_t)PAGE_SIZE << order;

        for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
            pages[i] = page_alloc(order);
            if (pages[i] == NULL) {
                test_error("no memory");
            }
            wrong += (uintptr_t)pages[i] % size != 0;
            for (size_t at = 0; at < size; at += 64) {
                wrong += pages[i][at] != 0;
            }
            memset(pages[i], (int)i + 1, size);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
            wrong += pages[i][0] != i + 1 || pages[i][size - 1] != i + 1;
            page_free(pages[i], order);
        }
    }
    test_check(wrong == 0, "pages are aligned, zeroed, and no one else's");
    test_check(page_nr_free() == before, "and all were given back");
    test_check(page_alloc(40) == NULL, "more than there is cannot be had");
}

static void check_windows(void)
{
    char *page = page_alloc(0);
    char *window = window_alloc(2);
    uint64_t value = 0;

    if (page == NULL || window == NULL) {
        test_error("no memory");
    }
    test_check(!probe_read(window, &value), "a fresh window has nothing behind it");
    test_check(map_page(window, pfn_of_va(page), MAP_R) == 0, "a page is mapped there");
    memcpy(page, "seen twice", 11);
    test_check(strcmp(window, "seen twice") == 0 && !probe_write(window, 1), "read-only");
    test_check(map_protect(window, 1, MAP_R | MAP_W) == 0 && probe_write(window, 1),
               "then writable");
    test_check(map_protect(window + PAGE_SIZE, 1, MAP_R) != 0,
               "rights of an unmapped page cannot be set");
    test_check(map_remove(window, 2) == 0 && !probe_read(window, &value), "then gone");
    window_free(window, 2);
    page_free(page, 0);
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void check_libc(void)
{
    static char *blocks[200];
    int numbers[100];
    unsigned wrong = 0;
    char *end;

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
            blocks[i] = malloc(i * 37 + 1);
            memset(blocks[i], (int)i, i * 37 + 1);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
            blocks[i] = realloc(blocks[i], i * 53 + 1);
            wrong += (unsigned char)blocks[i][i * 37] != i;
        }
        for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
            free(blocks[i]);
        }
    }
    test_check(wrong == 0, "malloc, realloc and free keep blocks apart");
    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        numbers[i] = (int)(i * 7919 % 101);
    }
    qsort(numbers, ARRAY_SIZE(numbers), sizeof(numbers[0]), compare);
    for (unsigned i = 1; i < ARRAY_SIZE(numbers); i++) {
        wrong += numbers[i - 1] > numbers[i];
    }
    test_check(wrong == 0, "qsort sorts");
    test_check(strtoul("0x1fz", &end, 0) == 31 && *end == 'z', "strtoul reads hexadecimal");
    test_check(strtoul("99999999999999999999", &end, 10) == ~0ul && *end == '\0',
               "and stops at the largest");
    test_check(strtol("-12", NULL, 10) == -12, "strtol reads a sign");
}

void test_main(void)
{
    check_image();
    check_pages();
    check_windows();
    check_libc();
}
