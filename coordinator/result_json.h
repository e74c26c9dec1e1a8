/*
 * result_json - the JSON of results and diagnostics, shared by the JSON and the events form.
 *
 * Threads: any. Errors: -ENOMEM or -EMSGSIZE of the buffer; what was written is then useless.
 */
#ifndef TRYTOK_RESULT_JSON_H
#define TRYTOK_RESULT_JSON_H

#include "attributes.h"
#include "buffer.h"
#include "frame.h"
#include "outcome.h"

/* "id":…,"verdict":…,"exit_code":… without braces. */
MUST_CHECK int result_json_head(struct buffer *to, const struct outcome *outcome);
/* "usage":{…},"truncated":… and, when `with_sandbox`, "sandbox":{…}; without braces. */
MUST_CHECK int result_json_tail(struct buffer *to, const struct outcome *outcome,
                                bool with_sandbox);
/* The members of one diagnostic, without braces. */
MUST_CHECK int result_json_diagnostic(struct buffer *to, const struct frame_diagnostic *diagnostic);

/* ["user_ns",…] */
MUST_CHECK int result_json_layers(struct buffer *to, layer_set layers);

#endif
