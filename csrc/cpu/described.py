"""The kernels that generate.py writes for each instruction set: what is done to a block, without a width."""

# Values are vectors of bytes; operators are those of unsigned bytes, a number stands in each of them. The
# decorator is the shape of the loop around it:
#   each   the block is translated: `takes` bytes a unit in, `gives` out; `filler` stands after a text's end.
#          A second result tells which bytes were as they should be.
#   scan   goes from block to block until the result is not zero, which it is for ASCII after ASCII.
#   once   the block is all there is.
#   runs   `unit` vectors, of units of so many bytes, are stored as one while the second result is zero; else
#          they are done unit by unit.

KERNELS = '''
@each(takes=1, gives=2)
def hex_encode(wide):
    """Each byte comes in 16 bits: its high nibble goes first, its low one after."""
    nibbles = (shr16(wide, 4) | shl16(wide, 8)) & 15
    return look_up(hex_digits, nibbles)

@each(takes=2, gives=1, filler="0")
def hex_decode(text):
    """Two digits a byte."""
    digit = text - ord("0")
    letter = text - ord("a")
    is_digit = digit <= 9
    value = select(is_digit, digit, letter + 10)
    return times16(value), is_digit | (letter <= 5)

@scan
def utf8_valid_prefix(before, now):
    """Not zero at a fault: Keiser and Lemire, 2021 (described.py)."""
    back1 = behind(before, now, 1)
    back2 = behind(before, now, 2)
    back3 = behind(before, now, 3)
    by_high = look_up(first_high, high(back1))
    by_low = look_up(first_low, back1 & 15)
    by_second = look_up(second_high, high(now))
    pair = by_high & by_low & by_second
    third = less(back2, 0xe0 - 0x80)
    fourth = less(back3, 0xf0 - 0x80)
    due = (third | fourth) & 0x80
    return pair ^ due

@once
def tag16_match(tags, tag):
    """A bit for each that is equal."""
    return bits(tags == tag)

@runs(unit=1)
def latin1_to_utf8(a):
    return a, a & 0x80

@runs(unit=2)
def ucs2_to_utf8(a, b):
    beyond = (a | b) & repeat(0xff80, 2)
    return pack(a, b), beyond

@runs(unit=4)
def ucs4_to_utf8(a, b, c, d):
    beyond = (a | b | c | d) & repeat(0xffffff80, 4)
    low = pack32(a, b)
    return pack(low, pack32(c, d)), beyond
'''

SIGNATURES = {
    "latin1_to_utf8": ("size_t", "uint8_t *dst, const uint8_t *src, size_t n"),
    "ucs2_to_utf8": ("size_t", "uint8_t *dst, const uint16_t *src, size_t n"),
    "ucs4_to_utf8": ("size_t", "uint8_t *dst, const uint32_t *src, size_t n"),
    "utf8_valid_prefix": ("size_t", "const uint8_t *src, size_t n"),
    "hex_encode": ("void", "char *dst, const uint8_t *src, size_t n"),
    "hex_decode": ("int", "uint8_t *dst, const char *src, size_t n"),
    "tag16_match": ("uint32_t", "const uint8_t tags[16], uint8_t tag"),
}

# UTF-8: Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2021). Whether two
# neighbours are wrong together is decided by three nibbles: each picks the faults that it allows, one bit a
# fault, and what all three allow is there. A third and a fourth byte are then compared with what the bytes
# two and three before them demand.
SHORT, STRAY = 1, 2  # a lead byte, then no continuation; ASCII, then a continuation
OVERLONG2, OVERLONG3 = 4, 8  # c0, c1; e0 80..9f
SURROGATE, LARGE = 16, 32  # ed a0..bf; f4 90..bf, f5..ff 90..bf
FORBIDDEN8 = 64  # f0 80..8f (overlong), f5..ff 80..8f (large)
PAIR = 128  # two continuations: due as a third or fourth byte, else a fault
ANY = SHORT | STRAY | PAIR  # whatever the first byte's low nibble is
HIGH = ANY | LARGE | FORBIDDEN8  # and if that says 5 to 15, as f5..ff do
SECOND = STRAY | PAIR | OVERLONG2

TABLES = {
    "hex_digits": list(b"0123456789abcdef"),
    "first_high": [
        *[STRAY] * 8,
        *[PAIR] * 4,
        *[SHORT | OVERLONG2, SHORT, SHORT | OVERLONG3 | SURROGATE, SHORT | LARGE | FORBIDDEN8],
    ],
    "first_low": [
        *[ANY | OVERLONG2 | OVERLONG3 | FORBIDDEN8, ANY | OVERLONG2, ANY, ANY, ANY | LARGE],
        *[HIGH] * 8,
        *[HIGH | SURROGATE, HIGH, HIGH],
    ],
    "second_high": [
        *[SHORT] * 8,
        *[SECOND | OVERLONG3 | FORBIDDEN8, SECOND | OVERLONG3 | LARGE],
        *[SECOND | SURROGATE | LARGE] * 2,
        *[SHORT] * 4,
    ],
}
