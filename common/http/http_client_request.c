/* From a call to curl's options, and from curl's callbacks to the call's. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http_client_internal.h"

enum { RESPONSE_HEADER_BYTES_MAX = 64 << 10, STATUS_FINAL_MIN = 200 };

/* ---- a response ---- */

/* The type of its first parameter is curl's. NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t header_come(char *bytes, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    size_t length = size * count;
    call->answered = true;
    if (call->cancelled || call->refused)
        return 0;
    call->header_bytes += length;
    if (call->header_bytes > RESPONSE_HEADER_BYTES_MAX) {
        call->refused = true;
        return 0;
    }
    bool is_empty = (length == 2 && bytes[0] == '\r') || (length == 1 && bytes[0] == '\n');
    if (!is_empty || call->headers_done)
        return length;
    long status = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < STATUS_FINAL_MIN) /* an interim response: the next one counts */
        return length;
    call->headers_done = true;
    if (call->on_headers && call->on_headers(call->context, call, (unsigned)status) < 0)
        call->refused = true;
    return call->refused || call->cancelled ? 0 : length;
}

static size_t body_come(char *bytes, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    size_t length = size * count;
    call->answered = true;
    if (call->cancelled || call->refused)
        return 0;
    if (call->on_body && call->on_body(call->context, bytes, length) < 0)
        call->refused = true;
    return call->refused || call->cancelled ? 0 : length;
}

const char *http_call_header(const struct http_call *call, const char *name)
{
    struct curl_header *header = NULL;
    if (curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

/* ---- a request ---- */

static int write_url(char url[HTTP_CALL_URL_BYTES], const struct sockaddr *address,
                     const char *path)
{
    char host[INET6_ADDRSTRLEN];
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    int length = -1;
    if (address->sa_family == AF_INET && inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)))
        length =
            snprintf(url, HTTP_CALL_URL_BYTES, "http://%s:%u%s", host, ntohs(in->sin_port), path);
    if (address->sa_family == AF_INET6 && inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host)))
        length = snprintf(url, HTTP_CALL_URL_BYTES, "http://[%s]:%u%s", host, ntohs(in6->sin6_port),
                          path);
    return length > 0 && length < HTTP_CALL_URL_BYTES ? 0 : -EINVAL;
}

static int add_header(struct http_call *call, const char *line)
{
    struct curl_slist *grown = curl_slist_append(call->headers, line);
    if (!grown)
        return -ENOMEM;
    call->headers = grown;
    return 0;
}

static int set_headers(struct http_call *call, const char *const *headers)
{
    bool has_type = false;
    int r = add_header(call, "Expect:"); /* removes curl's own, which would cost a round trip */
    for (; r == 0 && headers && *headers; headers++) {
        has_type = has_type || strncasecmp(*headers, "Content-Type:", 13) == 0;
        r = add_header(call, *headers);
    }
    if (r == 0 && !has_type)
        r = add_header(call, "Content-Type:"); /* removes curl's form type */
    return r;
}

static CURLcode set_method(struct http_call *call, const struct http_call_config *config)
{
    CURL *easy = call->easy;
    CURLcode r = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* undoes what the last call set */
    if (r != CURLE_OK)
        return r;
    if (strcmp(config->method, "HEAD") == 0)
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (config->body_bytes > 0 || strcmp(config->method, "POST") == 0) {
        r = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body ? call->body : "");
        if (r == CURLE_OK)
            r = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)config->body_bytes);
    }
    return r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, config->method) : r;
}

int call_set_request(struct http_call *call, const struct http_call_config *config)
{
    CURL *easy = call->easy;
    int r = write_url(call->url, config->address, config->path);
    if (r == 0)
        r = set_headers(call, config->headers);
    if (r < 0)
        return r;
    bool is_set = set_method(call, config) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_URL, call->url) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)config->timeout_ms) == CURLE_OK;
    return is_set ? 0 : -ENOMEM;
}

bool call_set_fixed_options(struct http_call *call)
{
    const struct http_client_config *config = &call->client->config;
    CURL *easy = call->easy;
    return curl_easy_setopt(easy, CURLOPT_PRIVATE, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_timeout_ms) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)config->connection_age_max_s) ==
               CURLE_OK &&
           socket_set_call_options(call) &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_come) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_come) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) == CURLE_OK;
}
