/* trytok-coordinator: reads its settings, starts the coordinator, and ends it on a signal. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "coordinator.h"
#include "inner.h"
#include "log.h"
#include "loop.h"
#include "privileges.h"

enum { EXIT_USAGE = 64, EXIT_START = 1 };

static void on_signal(void *context, int signal_number)
{
    (void)signal_number;
    coordinator_drain(context);
}

static int watch_signals(struct loop *loop, struct coordinator *coordinator)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    return loop_watch_signals(loop, &signals, on_signal, coordinator);
}

/* "[::1]:8080", "127.0.0.1:8080" */
static void print_address(const char *address, uint16_t port)
{
    printf(strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, (unsigned)port);
}

static void print_ready(const struct coordinator_settings *settings,
                        const struct coordinator *coordinator)
{
    printf("trytok-coordinator: listening on ");
    print_address(settings->listen_address, coordinator_port(coordinator));
    printf(" admin ");
    print_address(settings->admin_address, coordinator_admin_port(coordinator));
    printf("\n");
    fflush(stdout);
}

static int serve(const struct config *config, const struct inner_secret *secret)
{
    struct loop *loop = NULL;
    struct coordinator *coordinator = NULL;
    int r = loop_create(&loop);
    if (r == 0)
        r = coordinator_create(loop, &config->settings, secret, &coordinator);
    if (r == 0)
        r = watch_signals(loop, coordinator);
    if (r == 0) {
        print_ready(&config->settings, coordinator);
        r = loop_run(loop);
    }
    coordinator_free(coordinator);
    loop_free(loop);
    return r;
}

static int read_secret(const struct config *config, struct inner_secret *ret_secret)
{
    int r = inner_secret_read(config->settings.secret_file, ret_secret);
    if (r < 0)
        log_error("secret.file cannot be used", LOG_STR("file", config->settings.secret_file),
                  LOG_STR("why", inner_secret_mend(r)), LOG_ERRNO(r));
    return r;
}

/* Root is only needed to read a secret that root owns; then it is given up. */
static int drop_privileges(const struct config *config)
{
    int r = privileges_drop((uid_t)config->settings.run_as_uid, (gid_t)config->settings.run_as_gid);
    if (r < 0)
        log_error("privileges cannot be given up", LOG_ERRNO(r));
    return r;
}

int main(int argc, char **argv)
{
    struct config config;
    enum settings_outcome outcome;
    struct settings_error error;
    int r = config_read(argc, argv, environ, stdout, &config, &outcome, &error);
    if (r < 0) {
        fprintf(stderr, "trytok-coordinator: %s\n", error.text);
        return EXIT_USAGE;
    }
    if (outcome == SETTINGS_HELP_PRINTED)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    log_init("trytok-coordinator", config.log_level);
    struct inner_secret secret;
    int status = EXIT_USAGE;
    if (read_secret(&config, &secret) == 0) {
        r = drop_privileges(&config);
        if (r == 0)
            r = serve(&config, &secret);
        status = r < 0 ? EXIT_START : 0;
    }
    explicit_bzero(&secret, sizeof(secret));
    config_done(&config);
    return status;
}
