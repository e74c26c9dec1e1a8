/*
 * matrix - prints which layer, each alone, stops which attack; docs/security.md quotes it.
 *
 * A cell is what stopped the attack, or "-" where it worked. The first column is no sandbox at all:
 * an attack that fails there proves nothing in the others.
 */
#include <stdio.h>
#include <string.h>

#include "world.h"

static const struct column {
    const char *name;
    layer_set kept; /* of WORLD_SELF_LAYERS */
    bool backend;
} columns[] = {
    {"none", 0, false},
    {"rlimits", LAYER_BIT(LAYER_RLIMITS), false},
    {"landlock", LAYER_BIT(LAYER_LANDLOCK), false},
    {"mdwe", LAYER_BIT(LAYER_MDWE), false},
    {"seccomp", LAYER_BIT(LAYER_SECCOMP), false},
    {"spawner", 0, true},
    {"all-seccomp", WORLD_SELF_LAYERS & ~LAYER_BIT(LAYER_SECCOMP), true},
    {"all", WORLD_SELF_LAYERS, true},
};

static const char *const names[] = {
    "fork",
    "clone3",
    "user_namespace",
    "execve",
    "exec_memfd",
    "inet_socket",
    "unix_socket",
    "netlink_socket",
    "packet_socket",
    "send_udp",
    "bind_tcp",
    "read_passwd",
    "read_environment",
    "write_own_memory",
    "list_root",
    "fill_disk",
    "mount",
    "ptrace",
    "read_memory",
    "signal",
    "descriptors",
    "memory",
    "address_space",
    "mlock",
    "memfd",
    "writable_code",
    "make_executable",
    "shared_memory",
    "int80",
    "x32",
    "second_filter",
    "become_dumpable",
};

static void print_cell(const char *name, const struct column *column)
{
    const struct world_options options = {
        .left_out = WORLD_SELF_LAYERS & ~(column->kept | LAYER_BIT(LAYER_NO_NEW_PRIVS)),
        .backend = column->backend,
    };
    struct world_report report;
    const char *cell = "?";
    if (world_attack(name, &options, &report) == 0) {
        if (report.outcome == WORLD_WORKED)
            cell = "-";
        else if (report.outcome == WORLD_STOPPED)
            cell = strerrorname_np(report.error);
        else
            cell = world_outcome_name(report.outcome);
    }
    printf(" %-12s", cell ? cell : "?");
}

int main(void)
{
    world_require_root();
    printf("%-17s", "");
    for (size_t c = 0; c < ARRAY_COUNT(columns); c++)
        printf(" %-12s", columns[c].name);
    printf("\n");
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        printf("%-17s", names[i]);
        for (size_t c = 0; c < ARRAY_COUNT(columns); c++)
            print_cell(names[i], &columns[c]);
        printf("\n");
        (void)fflush(stdout);
    }
    return 0;
}
