#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "http_client_internal.h"

/* ---- running curl ---- */

static void finish_calls(struct http_client *client);

void client_run_curl(struct http_client *client, curl_socket_t fd, int events)
{
    int running = 0;
    client->in_curl = true;
    (void)curl_multi_socket_action(client->multi, fd, events, &running);
    client->in_curl = false;
    finish_calls(client);
}

struct http_call *client_call_of(CURL *easy)
{
    char *private = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    return (struct http_call *)(void *)private;
}

static void time_come(void *context)
{
    struct http_client *client = context;
    client_run_curl(client, CURL_SOCKET_TIMEOUT, 0);
}

static int time_wanted(CURLM *multi UNUSED, long timeout_ms, void *context)
{
    struct http_client *client = context;
    loop_timer_stop(&client->timer);
    client->time_is_due = timeout_ms == 0;
    if (timeout_ms == 0)
        loop_hook_start(client->loop, &client->hook);
    else if (timeout_ms > 0 &&
             loop_timer_start_ms(client->loop, &client->timer, (uint64_t)timeout_ms) < 0)
        return -1;
    return 0;
}

/* ---- calls ---- */

static void call_destroy(struct http_call *call)
{
    if (call->easy)
        curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    free(call->body);
    free(call);
}

/* A call from the spare ones, or a new one: its easy handle keeps all that is the same each time. */
static struct http_call *call_take(struct http_client *client)
{
    struct http_call *call = client->spare;
    if (call) {
        client->spare = call->next;
        client->spare_count--;
        call->next = NULL;
        return call;
    }
    call = calloc(1, sizeof(*call));
    if (!call)
        return NULL;
    call->client = client;
    call->easy = curl_easy_init();
    if (!call->easy || !call_set_fixed_options(call)) {
        call_destroy(call);
        return NULL;
    }
    return call;
}

static void call_unlink(struct http_call *call)
{
    if (call->previous)
        call->previous->next = call->next;
    else
        call->client->calls = call->next;
    if (call->next)
        call->next->previous = call->previous;
    call->next = call->previous = NULL;
    call->is_linked = false;
}

static void call_give_back(struct http_call *call)
{
    struct http_client *client = call->client;
    CURL *easy = call->easy;
    if (call->is_linked)
        call_unlink(call);
    curl_slist_free_all(call->headers);
    free(call->body);
    *call = (struct http_call){.client = client, .easy = easy};
    if (client->spare_count >= client->config.connections_idle_max) {
        call_destroy(call);
        return;
    }
    call->next = client->spare;
    client->spare = call;
    client->spare_count++;
}

static void call_remove(struct http_call *call)
{
    if (call->added)
        (void)curl_multi_remove_handle(call->client->multi, call->easy);
    call->added = false;
    if (!call->socket)
        return;
    if (call->sent)
        socket_part(call->socket);
    else /* curl 7.88 closes a connection that never was one without asking close_socket() */
        socket_forget(call->socket);
}

static enum http_failure classify(const struct http_call *call, CURLcode result)
{
    if (call->refused)
        return HTTP_FAILURE_REFUSED;
    if (result == CURLE_OK) /* curl takes a head that was cut for a response */
        return call->headers_done ? HTTP_FAILURE_NONE : HTTP_FAILURE_LOST;
    if (!call->sent)
        return HTTP_FAILURE_CONNECT;
    if (result == CURLE_OPERATION_TIMEDOUT)
        return HTTP_FAILURE_TIMEOUT;
    return call->untaken && !call->answered ? HTTP_FAILURE_UNSENT : HTTP_FAILURE_LOST;
}

static void call_end(struct http_call *call, CURLcode result)
{
    call_remove(call);
    if (call->cancelled) /* it waits for do_call() */
        return;
    enum http_failure failure = classify(call, result);
    void (*on_end)(void *, enum http_failure) = call->on_end;
    void *context = call->context;
    call_give_back(call);
    on_end(context, failure);
}

static void finish_calls(struct http_client *client)
{
    CURLMsg *message;
    int left = 0;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        call_end(client_call_of(message->easy_handle), message->data.result);
    }
}

static void enqueue(struct http_call *call)
{
    struct http_client *client = call->client;
    if (!call->is_todo) {
        call->is_todo = true;
        call->next_todo = NULL;
        if (client->todo_last)
            client->todo_last->next_todo = call;
        else
            client->todo_first = call;
        client->todo_last = call;
    }
    loop_hook_start(client->loop, &client->hook);
}

static void do_call(struct http_call *call)
{
    struct http_client *client = call->client;
    if (call->cancelled) {
        call_remove(call);
        call_give_back(call);
        return;
    }
    call->added = true;
    if (curl_multi_add_handle(client->multi, call->easy) != CURLM_OK) {
        call->added = false;
        void (*on_end)(void *, enum http_failure) = call->on_end;
        void *context = call->context;
        call_give_back(call);
        on_end(context, HTTP_FAILURE_CONNECT);
    }
}

/* Calls are added and removed here, never from within curl's callbacks. */
static void before_sleep(void *context)
{
    struct http_client *client = context;
    struct http_call *call;
    while ((call = client->todo_first) != NULL) {
        client->todo_first = call->next_todo;
        if (!client->todo_first)
            client->todo_last = NULL;
        call->is_todo = false;
        do_call(call);
    }
    if (client->time_is_due) {
        client->time_is_due = false;
        client_run_curl(client, CURL_SOCKET_TIMEOUT, 0);
    }
}

int http_client_start(struct http_client *client, const struct http_call_config *config,
                      struct http_call **ret_call)
{
    struct http_call *call = call_take(client);
    if (!call) {
        free(config->body);
        return -ENOMEM;
    }
    call->body = config->body;
    call->context = config->context;
    call->on_headers = config->on_headers;
    call->on_body = config->on_body;
    call->on_end = config->on_end;
    int r = call_set_request(call, config);
    if (r < 0) {
        call_give_back(call);
        return r;
    }
    call->next = client->calls;
    if (client->calls)
        client->calls->previous = call;
    client->calls = call;
    call->is_linked = true;
    enqueue(call);
    *ret_call = call;
    return 0;
}

void http_call_cancel(struct http_call *call)
{
    call->cancelled = true;
    enqueue(call);
}

/* ---- the client ---- */

int http_client_create(struct loop *loop, const struct http_client_config *config,
                       struct http_client **ret_client)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    struct http_client *client = calloc(1, sizeof(*client));
    if (!client) {
        curl_global_cleanup();
        return -ENOMEM;
    }
    client->loop = loop;
    client->config = *config;
    loop_timer_init(&client->timer, time_come, client);
    loop_hook_init(&client->hook, before_sleep, client);
    client->multi = curl_multi_init();
    CURLM *multi = client->multi;
    if (!multi || !socket_set_client_options(client) ||
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, time_wanted) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)config->connections_idle_max) !=
            CURLM_OK) {
        http_client_free(client);
        return -ENOMEM;
    }
    *ret_client = client;
    return 0;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    assert(!client->in_curl);
    while (client->calls) {
        struct http_call *call = client->calls;
        call_remove(call);
        call_unlink(call);
        call_destroy(call);
    }
    while (client->spare) {
        struct http_call *call = client->spare;
        client->spare = call->next;
        call_destroy(call);
    }
    if (client->multi)
        curl_multi_cleanup(client->multi);
    loop_timer_stop(&client->timer);
    loop_hook_stop(&client->hook);
    free(client->sockets);
    free(client);
    curl_global_cleanup();
}
