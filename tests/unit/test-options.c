/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "config-tree.h"
#include "config/options.h"

/* Not inlined: see config-tree.h. */
static __attribute__((noinline)) char *options_text(void) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);
        config_dump_options(f);
        assert_int_equal(fclose(f), 0);
        return text;
}

/* conf/headroomd.conf ends in just what config_dump_options() says of it: key, default and help. */
static void test_conf_is_complete(void **state) {
        (void)state;
        static char text[65536];
        FILE *f = fopen(CONF_DIR "/headroomd.conf", "re");
        assert_non_null(f);
        text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
        assert_int_equal(fclose(f), 0);
        char *options = options_text(), *end = strstr(options, "\n# file: cgroups.d"), *start = strstr(options, "[Daemon]");
        assert_true(start && end && start < end);
        *end = '\0';
        if (!strstr(text, start))
                fail_msg("conf/headroomd.conf lacks or changes:\n%s", start);
        free(options);
}

static void test_dump_names_all(void **state) {
        (void)state;
        char *options = options_text();
        for (size_t i = 0; i < n_config_items; i++) {
                char line[256];
                (void)snprintf(line, sizeof(line), "\n#%s=%s\n", config_items[i].key, config_items[i].initial ? config_items[i].initial : "");
                assert_non_null(strstr(options, line));
        }
        for (const char *s = options; *s; s = strchr(s, '\n') + 1)
                assert_true(strcspn(s, "\n") <= 120);
        free(options);
}

static void test_table(void **state) {
        (void)state;
        for (size_t i = 0; i < n_config_items; i++) {
                const ConfigItem *item = &config_items[i];
                assert_ptr_equal(config_item_find(item->kind, item->section, item->key), item);
                assert_true(item->offset < config_kind_size(item->kind));
                assert_true(strlen(item->help) > 20 && item->help[strlen(item->help) - 1] == '.');
                assert_true(config_section_exists(item->kind, item->section));
        }
        assert_null(config_item_find(CONFIG_MAIN, "Kill", "When"));
        assert_false(config_section_exists(CONFIG_RULE, "Kill"));
}

/* What a default prints parses to itself. */
static void test_defaults_round_trip(void **state) {
        (void)state;
        for (ConfigKind kind = 0; kind < _CONFIG_KIND_MAX; kind++) {
                union {
                        DaemonPolicy daemon;
                        CgroupPolicy cgroup;
                        Rule rule;
                } target = {};
                assert_int_equal(config_target_init(kind, &target), 0);
                for (size_t i = 0; i < n_config_items; i++) {
                        const ConfigItem *item = &config_items[i];
                        char *text = NULL;
                        size_t n = 0;
                        if (item->kind != kind)
                                continue;
                        FILE *f = open_memstream(&text, &n);
                        item->type->print(f, item, (char *)&target + item->offset, NULL, SCOPE_CGROUP);
                        assert_int_equal(fclose(f), 0);
                        char want[128] = "";
                        if (item->initial)
                                (void)snprintf(want, sizeof(want), "%s=%s\n", item->key, item->initial);
                        assert_string_equal(text, want);
                        free(text);
                }
                config_target_done(kind, &target);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_conf_is_complete),
                cmocka_unit_test(test_dump_names_all),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_defaults_round_trip),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
