/*
 * json_scan - strict RFC 8259 over untrusted bytes, before cJSON sees them; part of json.
 *
 * Time is linear in `count`, stack and memory are fixed. Errors: -EINVAL with *reterr filled.
 */
#ifndef TRYTOK_JSON_SCAN_H
#define TRYTOK_JSON_SCAN_H

#include "json.h"

MUST_CHECK int json_scan(const char *bytes, size_t count, struct json_error *reterr);

/* Adds "/token" with RFC 6901's escapes. A token that does not fit becomes "/…", and nothing fits
 * after that. */
void json_pointer_add(char pointer[JSON_POINTER_BYTES], const char *token, size_t count);
void json_pointer_add_index(char pointer[JSON_POINTER_BYTES], size_t index);

#endif
