/* status.c - the names of statuses and of losses */
#include "otlite.h"

static const char *const statuses[] = {
    [OTLITE_OK] = "ok",
    [OTLITE_EMPTY] = "empty",
    [OTLITE_NO_ROOM] = "no room",
    [OTLITE_DROPPED] = "dropped",
    [OTLITE_STALE] = "stale",
    [OTLITE_TABLE_FULL] = "table full",
    [OTLITE_GONE] = "gone",
    [OTLITE_BUSY] = "busy",
    [OTLITE_INVALID] = "invalid",
    [OTLITE_FOREIGN] = "foreign",
    [OTLITE_VERSION] = "another version",
    [OTLITE_DAMAGED] = "damaged",
    [OTLITE_TRUNCATED] = "truncated",
    [OTLITE_MALFORMED] = "malformed",
    [OTLITE_HTTP2] = "http2",
    [OTLITE_TIMEOUT] = "timeout",
    [OTLITE_CLOSED] = "closed",
    [OTLITE_SYSTEM] = "system",
};

/* Identifiers, not prose: users meet them as keys of statistics. */
static const char *const losses[] = {
    [OTLITE_LOSS_OVERWRITTEN] = "overwritten",
    [OTLITE_LOSS_FULL] = "full",
    [OTLITE_LOSS_TOO_LARGE] = "too_large",
    [OTLITE_LOSS_TABLE_FULL] = "table_full",
    [OTLITE_LOSS_REENTERED] = "reentered",
    [OTLITE_LOSS_NO_MEMORY] = "no_memory",
    [OTLITE_LOSS_REFUSED] = "refused",
    [OTLITE_LOSS_SHUTDOWN] = "shutdown",
    [OTLITE_LOSS_UNSUPPORTED_PROTOCOL] = "unsupported_protocol",
    [OTLITE_LOSS_DAMAGED] = "damaged",
};

_Static_assert(sizeof statuses / sizeof *statuses == OTLITE_SYSTEM + 1, "a name for each status");
_Static_assert(sizeof losses / sizeof *losses == OTLITE_LOSSES, "a name for each loss");

const char *otlite_status_text(enum otlite_status status)
{
    return (unsigned)status <= OTLITE_SYSTEM ? statuses[status] : "unknown";
}

const char *otlite_loss_text(enum otlite_loss loss)
{
    return (unsigned)loss < OTLITE_LOSSES ? losses[loss] : NULL;
}
