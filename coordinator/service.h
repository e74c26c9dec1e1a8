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
#include "http_server.h"
#include "loop.h"
#include "telemetry.h"

struct request;

struct service {
    const struct coordinator_settings *settings;
    struct loop *loop;
    struct executors *executors;
    struct dispatcher *dispatcher;
    struct telemetry *telemetry;
    struct http_server *public_server, *admin_server;
    struct request *requests; /* all that live, a list through request.next */
    uint64_t held_bytes;      /* of bodies and answers, of all requests together */
    bool is_draining;         /* SIGTERM came: /readyz says no */
};

#endif
