# cython: language_level=3, auto_pickle=False
"""Python values as OTLP attribute values: first cleaned, while Python code may run, then written, when none may."""

from libc.stdint cimport uint32_t

from otlp_lite._native.core cimport compose_close, compose_key, compose_open, compose_scalar
from otlp_lite._native.otlite cimport *

import logging
from collections.abc import Mapping, Sequence

cdef object logger = logging.getLogger("otlp_lite.attributes")

cdef enum:
    # Receivers give up at 100 nested messages; a value in a map takes three, and the request around it six.
    DEPTH_MAX = 31
    # Of one value: a list that holds itself twice would have 2**31.
    ITEMS_MAX = 1 << 20


cdef bint has_own_text(object value):
    cdef object of = type(value)
    return of.__str__ is not object.__str__ or of.__repr__ is not object.__repr__


cdef object own_text(object value, uint32_t length_limit):
    """str(value), or None when the type has no text of its own or its `__str__` raises."""
    if not has_own_text(value):
        return None
    try:
        return str(value)
    except Exception as error:
        logger.warning("attribute value of type %s: __str__ raised %s; sent as null",
                       type(value).__name__, type(error).__name__)
        return None


cdef object clean(object value, uint32_t length_limit):
    """`value` as None, bool, int, float, bytes, str, tuple or dict of these, as API 1.45 cleans it.

    Raises OverflowError for what OTLP or a region cannot hold. What cannot be converted becomes None.
    """
    cdef int budget = ITEMS_MAX
    return clean_within(value, length_limit, 0, &budget)


cdef object clean_within(object value, uint32_t length_limit, int depth, int *budget):
    cdef otlite_value scalar
    cdef scalar_kind kind = scalar_of(value, length_limit, &scalar)
    if kind == OUT_OF_RANGE:
        raise OverflowError("an integer outside 64 bits, or text or bytes of over 256 Mi")
    budget[0] -= 1
    if budget[0] < 0:
        raise OverflowError(f"more than {ITEMS_MAX} items")
    if kind == SCALAR:
        if scalar.type == OTLITE_TEXT and len(value) > length_limit:
            return str.__getitem__(value, slice(0, length_limit))
        return value
    if depth == DEPTH_MAX:
        logger.debug("attribute value: nested deeper than %d; sent as null", DEPTH_MAX)
        return None
    # The builtin types first: what the abstract ones are asked is Python code.
    if isinstance(value, (list, tuple)) or (not isinstance(value, dict) and isinstance(value, Sequence)):
        return tuple([clean_within(item, length_limit, depth + 1, budget) for item in value])
    if isinstance(value, dict) or isinstance(value, Mapping):
        return clean_items(value, length_limit, depth, budget)
    logger.warning("attribute value of type %s: not bool, str, bytes, int, float, None, a sequence or a mapping; %s",
                   type(value).__name__,
                   "its str() is sent" if has_own_text(value) else "it has no text of its own: sent as null")
    return own_text(value, length_limit)


cdef object clean_key(object key, uint32_t length_limit):
    """The key as API 1.45 takes it from a mapping, or None when the pair is dropped."""
    if not key:
        logger.warning("attribute key: %r is empty; dropped", key)
        return None
    if isinstance(key, str):
        return key
    logger.warning("attribute key of type %s: not a str", type(key).__name__)
    return own_text(key, length_limit)


cdef dict clean_items(object mapping, uint32_t length_limit, int depth, int *budget):
    cdef dict cleaned = {}
    for key, value in mapping.items():
        key = clean_key(key, length_limit)
        if key is not None:
            cleaned[key] = clean_within(value, length_limit, depth + 1, budget)
    return cleaned


cdef dict clean_mapping(object mapping, uint32_t length_limit):
    """The attributes of a span, event, link or scope, cleaned; what OTLP cannot hold is left out."""
    cdef dict cleaned = {}
    for key, value in mapping.items():
        key = clean_key(key, length_limit)
        if key is None:
            continue
        try:
            cleaned[key] = clean(value, length_limit)
        except OverflowError as error:
            logger.warning("attribute %r: %s; dropped", key, error)
        except Exception as error:
            logger.warning("attribute %r: reading its value raised %s; sent as null", key, type(error).__name__)
            cleaned[key] = None
    return cleaned


def cleaned(attributes):
    """Attributes of a resource or a scope: a new dict of what OTLP can hold, as API 1.45 cleans them, except that
    a value whose `__str__` raises becomes None, and an integer outside 64 bits is left out."""
    return clean_mapping(attributes, OTLITE_NO_LIMIT) if attributes else {}


cdef void compose_value(otlite_composer *composer, object value) noexcept:
    """Writes what `clean` returned. Runs no Python code."""
    cdef otlite_value scalar
    cdef size_t mark, item_mark, value_mark
    if scalar_of(value, OTLITE_NO_LIMIT, &scalar) == SCALAR:
        compose_scalar(composer, &scalar)
    elif type(value) is tuple:
        mark = compose_open(composer, OTLITE_ARRAY)
        for item in <tuple>value:
            item_mark = compose_open(composer, OTLITE_ITEM)
            compose_value(composer, item)
            compose_close(composer, item_mark)
        compose_close(composer, mark)
    else:
        mark = compose_open(composer, OTLITE_MAP)
        for key, item in (<dict>value).items():
            item_mark = compose_open(composer, OTLITE_ITEM)
            compose_key(composer, text_of(key))
            value_mark = compose_open(composer, OTLITE_KEY_VALUE)
            compose_value(composer, item)
            compose_close(composer, value_mark)
            compose_close(composer, item_mark)
        compose_close(composer, mark)
