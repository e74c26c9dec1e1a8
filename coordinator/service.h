/*
 * service - what the handlers of one coordinator share.
 *
 * Threads: the loop's. Memory: the coordinator owns all of it and outlives every request.
 */
#ifndef TRYTOK_SERVICE_H
#define TRYTOK_SERVICE_H

#include <stdbool.h>

#include "config.h"
#include "dispatcher.h"
#include "executors.h"
#include "held_memory.h"
#include "http_server.h"
#include "loop.h"
#include "telemetry.h"

struct service {
    const struct coordinator_settings *settings;
    struct loop *loop;
    struct executors *executors;
    struct dispatcher *dispatcher;
    struct telemetry *telemetry;
    struct http_server *public_server, *admin_server;
    struct held_memory held; /* of all requests, beside what the server holds */
    bool is_draining;        /* SIGTERM came: /readyz says no */
};

#endif
