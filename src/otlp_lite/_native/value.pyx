# cython: language_level=3, auto_pickle=False
"""Python values as OTLP attribute values: first cleaned, while Python code may run, then written, when none may."""

from libc.stdint cimport uint32_t

from otlp_lite._native.core cimport compose_close, compose_key, compose_open, compose_scalar, say
from otlp_lite._native.otlite cimport *

import logging
from collections import UserString
from collections.abc import Mapping, Sequence

cdef object logger = logging.getLogger("otlp_lite.traces")

cdef enum:
    # Receivers give up at 100 nested messages; a value in a map takes three, and the request around it six.
    DEPTH_MAX = 31
    # Of one value: a list that holds itself twice would have 2**31.
    ITEMS_MAX = 1 << 20
    # Things of one kind that are warned of, and characters of the name of each.
    WARNED_MAX = 64
    WARNED_NAME_MAX = 100


# ---- Warnings ----

cdef dict warned = {}  # kind -> names


cdef object once(str kind, object what, str message, tuple arguments):
    """Warns of the first WARNED_MAX of a kind, of each once; and then, once, that further ones are not shown.

    `what` is the message's first argument. It names a part of the program, and is no value; of it only text is kept.
    """
    cdef set names = warned.get(kind)
    cdef str name = (str.__str__(what) if isinstance(what, str) else str(what))[:WARNED_NAME_MAX]
    if names is None:
        names = warned.setdefault(kind, set())
    if name in names or len(names) > WARNED_MAX:
        return
    names.add(name)
    if len(names) > WARNED_MAX:
        say(logger, logging.WARNING, "%s: %d were warned of; further ones are not shown", (kind, WARNED_MAX))
    else:
        say(logger, logging.WARNING, message, (name, *arguments))


cdef object warn_anew():
    """There is a new provider, of which nothing was said yet."""
    warned.clear()


# ---- What may run Python code ----

cdef object own_text(object value, str kind, str message, str otherwise):
    """str(value), or None when the type has no text of its own or its `__str__` raises; of the type it is warned once.
    """
    cdef object of = type(value)
    cdef object text = None
    cdef str outcome = "its str() is taken"
    if of.__str__ is object.__str__ and of.__repr__ is object.__repr__:
        outcome = f"it has no text of its own: {otherwise}"
    else:
        try:
            text = str(value)
        except Exception as error:
            outcome = f"its __str__ raised {type(error).__name__}: {otherwise}"
    once(kind, of.__name__, message, (outcome,))
    return text


cdef object cut(object text, uint32_t length_limit):
    return str.__getitem__(text, slice(0, length_limit)) if len(text) > length_limit else text


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
        raise OverflowError
    budget[0] -= 1
    if budget[0] < 0:
        raise OverflowError(f"more than {ITEMS_MAX} items")
    if kind == SCALAR:
        return cut(value, length_limit) if scalar.type == OTLITE_TEXT else value
    if depth == DEPTH_MAX:
        once("values nested too deep", "attribute value", "%s: nested deeper than %d; what is below is sent as null",
             (DEPTH_MAX,))
        return None
    # The builtin types first: what the abstract ones are asked is Python code.
    if isinstance(value, (list, tuple)) or (not isinstance(value, dict) and isinstance(value, Sequence)
                                            and not isinstance(value, UserString)):  # each of its items is one, too
        return tuple([clean_within(item, length_limit, depth + 1, budget) for item in value])
    if isinstance(value, dict) or isinstance(value, Mapping):
        return clean_items(value, length_limit, depth, budget)
    text = own_text(value, "types of attribute values", "attribute value of type %s: not bool, str, bytes, int, float, "
                    "None, a sequence or a mapping; %s", "sent as null")
    return None if text is None else cut(text, length_limit)


cdef object clean_key(object key):
    """The key as API 1.45 takes it from a mapping, or None when the pair is dropped."""
    if not key:
        once("types of empty attribute keys", type(key).__name__, "attribute key of type %s: it is empty; dropped", ())
        return None
    if isinstance(key, str):
        return key
    return own_text(key, "types of attribute keys", "attribute key of type %s: not a str; %s", "dropped")


cdef dict clean_items(object mapping, uint32_t length_limit, int depth, int *budget):
    cdef dict cleaned = {}
    for key, value in mapping.items():
        key = clean_key(key)
        if key is not None:
            cleaned[key] = clean_within(value, length_limit, depth + 1, budget)
    return cleaned


cdef dict clean_mapping(object mapping, uint32_t length_limit):
    """The attributes of a span, event, link or scope, cleaned; what OTLP cannot hold is left out."""
    cdef dict cleaned = {}
    for key, value in mapping.items():
        key = clean_key(key)
        if key is None:
            continue
        try:
            cleaned[key] = clean(value, length_limit)
        except OverflowError:
            warn_of_range(key, "an integer outside 64 bits, or more than a region can hold")
        except Exception as error:
            warn_of_reading(key, error)
            cleaned[key] = None
    return cleaned


cdef object warn_of_range(object key, object what):
    once("attributes out of range", key, "attribute %r: %s; dropped", (what,))


cdef object warn_of_reading(object key, object error):
    once("attributes that cannot be read", key, "attribute %r: reading its value raised %s; sent as null",
         (type(error).__name__,))


cdef object warn_of_mapping(object attributes, object error):
    once("types of attributes", type(attributes).__name__, "attributes of type %s: reading them raised %s; dropped",
         (type(error).__name__,))


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
