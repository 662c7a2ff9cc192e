# otlite.pxd - csrc/otlite.h as Cython sees it: declarations, no logic
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef extern from "stdbool.h":
    ctypedef bint cbool "bool"


cdef extern from "otlite.h" nogil:
    cdef enum otlite_status:
        OTLITE_OK
        OTLITE_EMPTY
        OTLITE_NO_ROOM
        OTLITE_DROPPED
        OTLITE_STALE
        OTLITE_TABLE_FULL
        OTLITE_GONE
        OTLITE_BUSY
        OTLITE_INVALID
        OTLITE_FOREIGN
        OTLITE_VERSION
        OTLITE_DAMAGED
        OTLITE_TRUNCATED
        OTLITE_MALFORMED
        OTLITE_HTTP2
        OTLITE_TIMEOUT
        OTLITE_CLOSED
        OTLITE_SYSTEM

    const char *otlite_status_text(otlite_status status)

    cdef enum otlite_text_kind:
        OTLITE_TEXT_UTF8
        OTLITE_TEXT_LATIN1
        OTLITE_TEXT_UCS2
        OTLITE_TEXT_UCS4
        OTLITE_TEXT_CHARS

    uint32_t OTLITE_TEXT_MAX

    cdef struct otlite_text:
        const void *data
        uint32_t length
        uint32_t kind

    int otlite_kernels_select(const char *name)
    const char *otlite_kernels_name()
    size_t otlite_cpu_describe(char *dst, size_t size)

    cdef struct otlite_ids:
        uint32_t from_os
        uint32_t failures

    cdef struct otlite_ticks:
        pass

    void otlite_ticks_init(otlite_ticks *ticks)
    uint64_t otlite_ticks_boot(otlite_ticks *ticks)
    void otlite_ids_init(otlite_ids *ids, bint from_os)
    void otlite_ids_reset(otlite_ids *ids)
    void otlite_ids_next(otlite_ids *ids, uint64_t now, uint8_t *trace_id, uint8_t *span_id)

    uint32_t OTLITE_NO_LIMIT

    cdef enum otlite_list:
        OTLITE_ATTRIBUTES
        OTLITE_EVENTS
        OTLITE_LINKS
        OTLITE_LISTS

    cdef struct otlite_scratch:
        uint8_t *block
        uint32_t size
        uint32_t used
        uint32_t fields
        uint32_t live[3]
        uint32_t dropped[3]
        uint32_t sent_bytes

    cdef enum otlite_value_type:
        OTLITE_NONE
        OTLITE_BOOL
        OTLITE_INT
        OTLITE_DOUBLE
        OTLITE_TEXT
        OTLITE_BYTES

    cdef struct otlite_bytes "otlite_value_bytes":
        const void *data
        uint32_t length

    cdef union otlite_as:
        bint boolean
        int64_t integer
        double real
        otlite_text text
        otlite_bytes bytes

    cdef struct otlite_value:
        uint32_t type
        otlite_as as_ "as"

    void otlite_scratch_init(otlite_scratch *scratch, void *block, uint32_t size)
    otlite_status otlite_scratch_move(otlite_scratch *scratch, void *block, uint32_t size)
    void otlite_scratch_remove(otlite_scratch *scratch, uint64_t hash, otlite_text key)
    otlite_status otlite_scratch_attribute(otlite_scratch *scratch, uint64_t hash, otlite_text key,
                                           const otlite_value *value, uint32_t limit)

    cdef struct otlite_composer:
        pass

    cdef enum otlite_message:
        OTLITE_EVENT_ATTRIBUTE
        OTLITE_LINK_ATTRIBUTE
        OTLITE_KEY_VALUE
        OTLITE_ARRAY
        OTLITE_MAP
        OTLITE_ITEM

    void otlite_compose_begin(otlite_composer *composer, otlite_scratch *scratch, otlite_list list)
    void otlite_compose_key(otlite_composer *composer, otlite_text key)
    void otlite_compose_event(otlite_composer *composer, otlite_text name, uint64_t time)
    void otlite_compose_link(otlite_composer *composer, const uint8_t *trace_id, const uint8_t *span_id)
    void otlite_compose_tail(otlite_composer *composer, uint32_t dropped_attributes, uint32_t flags)
    size_t otlite_compose_open(otlite_composer *composer, otlite_message message)
    void otlite_compose_close(otlite_composer *composer, size_t mark)
    void otlite_compose_scalar(otlite_composer *composer, const otlite_value *value)
    otlite_status otlite_compose_end(otlite_composer *composer, uint64_t hash, uint32_t limit)
    bint otlite_scratch_field(const otlite_scratch *scratch, otlite_list list, uint32_t index,
                              const uint8_t **data, uint32_t *size)

    cdef struct otlite_span:
        uint8_t trace_id[16]
        uint8_t span_id[8]
        uint8_t parent_span_id[8]
        bint has_parent
        bint explicit_time
        uint8_t kind
        uint8_t status
        uint8_t anchor
        uint32_t open
        uint32_t flags
        uint64_t start
        uint64_t end
        otlite_text name
        otlite_text trace_state
        otlite_text status_message
        const otlite_scratch *scratch
        otlite_place *place

    size_t otlite_span_encode_bound(const otlite_span *span)
    size_t otlite_span_encode(uint8_t *dst, const otlite_span *span)
    size_t otlite_resource_encode_bound(const otlite_scratch *attributes)
    size_t otlite_resource_encode(uint8_t *dst, const otlite_scratch *attributes)
    size_t otlite_scope_encode_bound(otlite_text name, otlite_text version, const otlite_scratch *attributes)
    size_t otlite_scope_encode(uint8_t *dst, otlite_text name, otlite_text version,
                               const otlite_scratch *attributes)

    uint32_t OTLITE_REGION_MIN
    uint32_t OTLITE_REGION_MAX

    cdef enum otlite_loss:
        OTLITE_LOSS_OVERWRITTEN
        OTLITE_LOSS_FULL
        OTLITE_LOSS_TOO_LARGE
        OTLITE_LOSS_TABLE_FULL
        OTLITE_LOSS_REENTERED
        OTLITE_LOSS_NO_MEMORY
        OTLITE_LOSS_REFUSED
        OTLITE_LOSS_SHUTDOWN
        OTLITE_LOSS_UNSUPPORTED_PROTOCOL
        OTLITE_LOSS_DAMAGED
        OTLITE_LOSSES

    const char *otlite_loss_text(otlite_loss loss)

    cdef struct otlite_place:
        uint32_t chunk
        uint32_t generation
        uint32_t record
        otlite_loss loss

    bint otlite_place_kept(const otlite_region *region, const otlite_place *place)
    void otlite_place_leave(otlite_region *region, const otlite_place *place)

    cdef enum otlite_on_full:
        OTLITE_OVERWRITE_OLDEST
        OTLITE_DROP_NEWEST

    size_t OTLITE_BOOT_ID

    cdef struct otlite_region_options:
        uint32_t on_full
        void (*wake)(void *context) noexcept nogil
        void *context
        cbool durable
        uint32_t open_spans
        cbool open_wait
        uint8_t boot_id[16]

    cdef struct otlite_region:
        uint32_t chunk_count

    otlite_status otlite_region_init(otlite_region *region, void *memory, size_t size,
                                     const otlite_region_options *options)
    otlite_status otlite_region_check(const void *memory, size_t size)
    uint32_t otlite_region_open_spans(const void *memory, size_t size)

    cdef struct otlite_adoption:
        uint64_t offered

    otlite_status otlite_region_adopt(otlite_region *region, void *memory, size_t size,
                                      const otlite_region_options *options, otlite_adoption *adoption)
    size_t otlite_region_inline_max(const otlite_region *region)
    otlite_status otlite_resource_register(otlite_region *region, const void *bytes, size_t size,
                                           const void *schema_url, size_t schema_url_size, uint32_t *handle)
    otlite_status otlite_scope_register(otlite_region *region, const void *bytes, size_t size,
                                        const void *schema_url, size_t schema_url_size, uint32_t *handle)
    uint64_t otlite_region_clock(const otlite_region *region, uint64_t boot, uint8_t *anchor)
    uint64_t otlite_region_clock_at(const otlite_region *region, uint64_t boot, uint8_t anchor)
    bint otlite_region_reanchor(otlite_region *region, uint64_t tolerance)
    otlite_status otlite_span_record(otlite_region *region, const otlite_span *span, uint32_t resource,
                                     uint32_t scope)
    otlite_status otlite_span_append(otlite_region *region, const otlite_span *span, const void *bytes, size_t size,
                                     uint32_t resource, uint32_t scope)
    otlite_status otlite_open_begin(otlite_region *region, otlite_span *span, uint32_t resource, uint32_t scope)
    void otlite_open_end(otlite_region *region, uint32_t open)
    void otlite_open_lost(otlite_region *region)
    uint32_t otlite_open_adopt(otlite_region *region)
    void otlite_region_lost(otlite_region *region, otlite_loss loss)

    cdef struct otlite_stats:
        uint64_t recorded
        uint64_t adopted
        uint64_t exported
        uint64_t rejected
        uint64_t dropped[10]
        uint64_t unanswered
        uint64_t pending
        uint64_t open_missed
        uint64_t open_cut
        uint32_t chunks
        uint32_t chunks_used
        uint32_t scopes
        uint32_t scopes_used
        uint32_t open_spans
        uint32_t open_used

    void otlite_region_stats(otlite_region *region, otlite_stats *stats)
    uint64_t otlite_region_count(const otlite_region *region)
    size_t otlite_region_record_max(const otlite_region *region)

    cdef enum otlite_wake:
        OTLITE_WAKE_NEVER
        OTLITE_WAKE_CHUNK
        OTLITE_WAKE_ANY

    bint otlite_region_arm(otlite_region *region, otlite_wake wake)

    cdef struct otlite_segment:
        const void *data
        size_t size

    cdef struct otlite_batch_limits:
        uint32_t max_bytes
        uint32_t max_records
        bint gather

    cdef struct otlite_batch:
        const otlite_segment *segments
        uint32_t segment_count
        uint32_t records
        size_t size
        size_t copied
        bint pinned

    otlite_status otlite_batch_collect(otlite_region *region, const otlite_batch_limits *limits,
                                       otlite_batch *batch)

    cdef struct otlite_part:
        uint32_t chunk
        uint32_t generation
        uint32_t first "from"
        uint32_t to

    bint otlite_batch_watched(const otlite_region *region, const otlite_batch *batch, uint32_t *next, otlite_part *part)
    void otlite_batch_offer(otlite_region *region, const otlite_batch *batch)
    void otlite_batch_acknowledge(otlite_region *region, otlite_batch *batch, uint32_t rejected)
    void otlite_batch_drop(otlite_region *region, otlite_batch *batch, otlite_loss loss, bint answered)
    void otlite_batch_release(otlite_region *region, otlite_batch *batch)
    otlite_status otlite_batch_repin(otlite_region *region, otlite_batch *batch)

    size_t OTLITE_JSON_ROOM

    cdef struct otlite_json:
        pass

    void otlite_json_begin(otlite_json *json, const otlite_segment *segments, size_t count)
    otlite_status otlite_json_next(otlite_json *json, void *dst, size_t size, size_t *written)

    cdef struct otlite_image:
        uint64_t damaged

    cdef enum otlite_fate:
        OTLITE_PENDING
        OTLITE_OFFERED
        OTLITE_ACKNOWLEDGED

    cdef struct otlite_found:
        otlite_fate fate

    otlite_status otlite_image_open(otlite_image *image, const void *memory, size_t size)
    bint otlite_image_next(otlite_image *image, otlite_found *found)

    cdef struct otlite_http_answer:
        uint8_t *body
        uint32_t body_size
        uint32_t body_used
        uint16_t status
        bint complete
        bint cut
        bint close
        char retry_after[40]

    void otlite_http_begin(otlite_http_answer *answer, void *body, uint32_t body_size)
    otlite_status otlite_http_feed(otlite_http_answer *answer, const void *bytes, size_t size)
    otlite_status otlite_http_eof(otlite_http_answer *answer)

    uint64_t otlite_clock_boot()
    uint64_t otlite_clock_wall()
    void *otlite_map(size_t size)
    void otlite_unmap(void *memory, size_t size)
    void *otlite_map_shared(int descriptor, size_t size)
    void *otlite_private_page()
    size_t otlite_waker_size()
    otlite_status otlite_waker_init(void *memory)
    void otlite_waker_post(void *waker)
    bint otlite_waker_wait(void *waker, uint64_t deadline)
    bint otlite_term_is_default()
    bint otlite_term_is_caught()
    bint otlite_term_catch()
    void otlite_term_watch(void *waker, uint64_t bound)
    bint otlite_term_came()
    void otlite_term_end()
    void otlite_exits_prepare()
    size_t otlite_signals_size()
    void otlite_signals_block(void *saved)
    void otlite_signals_restore(const void *saved)
    otlite_status otlite_exchange(int descriptor, const otlite_segment *segments, size_t count,
                                  otlite_http_answer *answer, uint64_t deadline, cbool *sent)


cdef extern from "cpu/kernels.h" nogil:
    cdef struct otlite_kernels:
        const char *name

    const otlite_kernels *const *otlite_kernels_list(size_t *n)


cdef extern from "region/layout.h" nogil:
    int LAYOUT_VERSION
