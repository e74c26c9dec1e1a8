/*
 * trytok-executor - settings, spawners, privileges, and then the daemon (daemon.h tells how it
 * works). The order matters: spawners are forked before anything else exists, root is given up
 * before a byte of anyone's is read.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "privileges.h"

enum {
    EXIT_USAGE = 64,
    EXIT_UNAVAILABLE = 69, /* a required layer is missing */
    SPAWNERS_MAX = 2,      /* more do not help on few processors, and one is not enough */
    MS_A_SECOND = 1000,
    /* The accounts of spawners and runners follow the daemon's own. */
    SPAWNER_UID_OFFSET = 2,
    RUNNER_UID_OFFSET = 3,
};

static int prepare(const struct config *config, struct process_spawners **ret_spawners)
{
    const struct executor_settings *settings = &config->settings;
    const struct process_config process = {
        .runner_path = settings->runner_path,
        .runners_max = daemon_runners_max(config),
        .spawner_count = SPAWNERS_MAX,
        .memory_max_bytes = settings->memory_max_bytes,
        .cpu_max_seconds = (unsigned)(settings->cpu_max_ms / MS_A_SECOND + 1),
        .spawner_uid = (uid_t)settings->run_as_uid + SPAWNER_UID_OFFSET,
        .runner_uid = (uid_t)settings->run_as_uid + RUNNER_UID_OFFSET,
        .runner_gid = (gid_t)settings->run_as_gid + RUNNER_UID_OFFSET,
        .layers_required = config->require,
    };
    int r = process_backend_prepare(&process, ret_spawners);
    if (r < 0)
        log_error("cannot start spawners", LOG_STR("runner", process.runner_path), LOG_ERRNO(r));
    return r;
}

/* Says what is missing and how to go on without it; nothing runs in less than was asked for. */
static bool check_layers(const struct process_spawners *spawners, layer_set require)
{
    layer_set layers = process_spawners_layers(spawners);
    char without[1024] = "--sandbox.require=all";
    bool is_complete = true;
    for (unsigned i = 0; i < LAYER_COUNT; i++) {
        enum layer layer = (enum layer)i;
        if (layers & LAYER_BIT(layer))
            continue;
        bool is_required = (require & LAYER_BIT(layer)) != 0;
        const char *why = process_spawners_missing(spawners, layer);
        size_t used = strlen(without);
        snprintf(without + used, sizeof(without) - used, ",-%s", layer_name(layer));
        log_write(is_required ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "a sandbox layer is missing",
                  (const struct log_field[]){LOG_STR("layer", layer_name(layer)),
                                             LOG_STR("why", why),
                                             LOG_STR("against", layer_help(layer))},
                  3);
        is_complete = is_complete && !is_required;
    }
    if (!is_complete)
        log_error("refusing to run programs with less than sandbox.require asks for",
                  LOG_STR("to_go_on_without", without));
    return is_complete;
}

static int make_backend(void *context, struct loop *loop, const struct process_events *events,
                        struct backend **ret_backend)
{
    struct process_spawners **spawners = context;
    int r = process_backend_create(loop, *spawners, events, ret_backend);
    if (r == 0)
        *spawners = NULL; /* the backend's now */
    return r;
}

/* Scripts that let the kernel choose the ports read this line. */
static void print_ports(const struct executor_settings *settings, const struct daemon *daemon)
{
    printf("trytok-executor: listening on %s:%u admin %s:%u\n", settings->listen_address,
           daemon_inner_port(daemon), settings->admin_address, daemon_admin_port(daemon));
    fflush(stdout);
}

static int run_daemon(const struct config *config, struct process_spawners **spawners,
                      const struct inner_secret *secret)
{
    const struct daemon_parts parts = {.config = config,
                                       .secret = *secret,
                                       .backend_name = "process",
                                       .make_backend = make_backend,
                                       .context = spawners};
    struct daemon *daemon = NULL;
    int r = daemon_create(&parts, &daemon);
    if (r < 0) {
        log_error("cannot start", LOG_ERRNO(r));
        return r;
    }
    print_ports(&config->settings, daemon);
    r = daemon_run(daemon);
    if (r < 0)
        log_error("stopped", LOG_ERRNO(r));
    daemon_free(daemon);
    return r;
}

static int run(const struct config *config)
{
    struct inner_secret secret;
    int r = inner_secret_read(config->settings.secret_file, &secret);
    if (r < 0) {
        log_error("secret.file cannot be used", LOG_STR("file", config->settings.secret_file),
                  LOG_STR("why", inner_secret_mend(r)), LOG_ERRNO(r));
        return EXIT_USAGE;
    }
    struct process_spawners *spawners = NULL;
    if (prepare(config, &spawners) < 0)
        return EXIT_UNAVAILABLE;
    int status = EXIT_UNAVAILABLE;
    if (check_layers(spawners, config->require)) {
        status = EXIT_FAILURE;
        r = privileges_drop((uid_t)config->settings.run_as_uid, (gid_t)config->settings.run_as_gid);
        if (r < 0)
            log_error("cannot give up root", LOG_ERRNO(r));
        else if (run_daemon(config, &spawners, &secret) == 0)
            status = EXIT_SUCCESS;
    }
    process_spawners_free(spawners);
    return status;
}

int main(int argc, char **argv)
{
    struct config config;
    enum settings_outcome outcome = SETTINGS_RUN;
    struct settings_error error;
    if (config_read(argc, argv, environ, stdout, &config, &outcome, &error) < 0) {
        fprintf(stderr, "trytok-executor: %s\n", error.text);
        return EXIT_USAGE;
    }
    if (outcome == SETTINGS_HELP_PRINTED)
        return EXIT_SUCCESS;
    log_init("trytok-executor", config.log_level);
    int status = run(&config);
    config_done(&config);
    return status;
}
