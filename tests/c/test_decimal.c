/* test_decimal.c - numbers of OTLP/JSON: each double as short as it can be, and read back as the same
 *
 * tests/oracle/test_json.py compares far more of them with Python's.
 */
#include "json.h"

static void doubles_are_short_and_exact(void)
{
    /* as Python's repr() has them: the ends of what there is, then one for each power that a table holds */
    static const struct {
        uint64_t bits;
        const char *text;
    } doubles[] = {
        {UINT64_C(0), "0.0"},
        {UINT64_C(1) << 63, "-0.0"},
        {UINT64_C(1), "5e-324"},
        {UINT64_C(0x000fffffffffffff), "2.225073858507201e-308"},
        {UINT64_C(0x0010000000000000), "2.2250738585072014e-308"},
        {UINT64_C(0x7fefffffffffffff), "1.7976931348623157e+308"},
        {UINT64_C(0x3ff0000000000000), "1.0"},
        {UINT64_C(0x3fb999999999999a), "0.1"},
        {UINT64_C(0x3f1a36e2eb1c432d), "0.0001"},
        {UINT64_C(0x3ee4f8b588e368f1), "1e-05"},
        {UINT64_C(0xc341c37937e08000), "-1e+16"},
        /* one digit less would be halfway to a neighbour, and so the even one's */
        {UINT64_C(0x4350000000000001), "1.8014398509481988e+16"},
        {UINT64_C(0x4350000000000007), "1.8014398509482012e+16"},
        {UINT64_C(0x4341c37937e07fff), "9999999999999998.0"},
        {UINT64_C(0x44b52d02c7e14af6), "1e+23"},
        {UINT64_C(0x7ff0000000000000), "\"Infinity\""},
        {UINT64_C(0xfff0000000000000), "\"-Infinity\""},
        {UINT64_C(0xfff8000000000001), "\"NaN\""},
        {UINT64_C(0x4da0000000000000), "8.424983333484575e+65"},
        {UINT64_C(0x7a90000000000000), "2.323463919496536e+282"},
        {UINT64_C(0x0512bd1311072231), "3.150362997740591e-284"},
        {UINT64_C(0x0f10000000000000), "3.931365215818563e-236"},
        {UINT64_C(0xd3a0000000000000), "-6.674959487252844e+94"},
        {UINT64_C(0xf165c8ce36e2f24b), "-1.7731771340406067e+238"},
        {UINT64_C(0xa4042bb3d4341aad), "-3.4689113360577604e-135"},
        {UINT64_C(0x4590000000000000), "1.2379400392853803e+27"},
        {UINT64_C(0xf5ff0c03bb5d7385), "-2.3867941279108224e+260"},
        {UINT64_C(0xd7288ff68c320f89), "-7.383774522286572e+111"},
        {UINT64_C(0x3bb4a570294c4ea3), "4.372011950115731e-21"},
        {UINT64_C(0xb36cc9aa78a330a1), "-5.598332947858096e-61"},
        {UINT64_C(0xac70000000000000), "-1.1985091468012028e-94"},
        {UINT64_C(0xe9d0000000000000), "-4.8988833106573424e+201"},
        {UINT64_C(0x950b16ffc3e1ac3b), "-2.636813653663825e-207"},
        {UINT64_C(0x5b69dc230af5ac87), "2.2944316143364266e+132"},
        {UINT64_C(0xf6e7d078e55b85dd), "-5.999082603950621e+264"},
        {UINT64_C(0x272515cdf74c3816), "4.082713725883186e-120"},
        {UINT64_C(0xdc82f2526911c9dd), "-4.406752242068116e+137"},
        {UINT64_C(0xae17584a9ed9c621), "-1.1735269392979418e-86"},
        {UINT64_C(0x9e20000000000000), "-1.3892242184281734e-163"},
        {UINT64_C(0x92b0000000000000), "-1.1331388749451398e-218"},
        {UINT64_C(0x9240000000000000), "-8.852647460508905e-221"},
        {UINT64_C(0x350d775dfb53e13d), "3.845528683369538e-53"},
        {UINT64_C(0x8bd5bb710a77ec0c), "-1.1856791944074171e-251"},
        {UINT64_C(0xd5b8c2551f4d4cc5), "-8.872654319336494e+104"},
        {UINT64_C(0xff353728c6173d94), "-5.819533907617707e+304"},
        {UINT64_C(0x705620733deaaddd), "1.3740877127823242e+233"},
        {UINT64_C(0xa5be57d93fa3549b), "-7.003943386909698e-127"},
        {UINT64_C(0x6330000000000000), "6.038339879714466e+169"},
        {UINT64_C(0xf1b31705e656cae2), "-4.9723419501000775e+239"},
        {UINT64_C(0x41e0000000000000), "2147483648.0"},
        {UINT64_C(0x38eaf8cae0bc9aa3), "1.6233089135211508e-34"},
        {UINT64_C(0xe10ad788c48016c8), "-2.9482307643519324e+159"},
        {UINT64_C(0x819be1a066749dbc), "-6.505163275424064e-301"},
        {UINT64_C(0x4022000000000000), "9.0"},
        {UINT64_C(0x4024000000000000), "10.0"},
        {UINT64_C(0x40fe240000000000), "123456.0"},
        {UINT64_C(0x4011666666666666), "4.35"},
        {UINT64_C(0x3f5437c5692b3cc5), "0.001234"},
        {UINT64_C(0x405edd2f1a9fbe77), "123.456"},
        {UINT64_C(0x3e8421f5f40d8376), "1.5e-07"},
        {UINT64_C(0x441ac4da03bc47e4), "1.2345e+20"},
        {UINT64_C(0x3d30000000000000), "5.684341886080802e-14"},
        {UINT64_C(0x43b0000000000000), "1.152921504606847e+18"},
        {UINT64_C(0x7fe0000000000000), "8.98846567431158e+307"},
        {UINT64_C(0x4480f0cf064dd592), "1e+22"},
        {UINT64_C(0x3de75d57df90fadf), "1.7e-10"},
        {UINT64_C(0x4340000000000000), "9007199254740992.0"},
        {UINT64_C(0x3fd3333333333333), "0.3"},
        {UINT64_C(0x3fe5555555555555), "0.6666666666666666"},
        {UINT64_C(0x54b249ad2594c37d), "1e+100"},
        {UINT64_C(0x0000000000000003), "1.5e-323"},
        {UINT64_C(0x430c6bf526340000), "1000000000000000.0"},
        {UINT64_C(0x43118b54f22aeb00), "1234567890123456.0"},
        {UINT64_C(0x3f0a36e2eb1c432d), "5e-05"},
        {UINT64_C(0x4058ff5c28f5c28f), "99.99"},
    };

    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        char value[9] = {0x21}, text[64];
        for (int byte = 0; byte < 8; byte++)
            value[1 + byte] = (char)(doubles[i].bits >> (8 * byte));
        snprintf(text, sizeof text, "\"doubleValue\":%s", doubles[i].text);
        CHECK(is_value(raw(value, sizeof value), text));
    }
}

/* The digits of a number's text, without sign, point, exponent and the zeros around them. */
static void digits_in(const char *text, char *digits)
{
    char *end = digits, *last = digits;
    for (; *text != 0 && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (end != digits || *text != '0')) {
            *end++ = *text;
            last = *text != '0' ? end : last;
        }
    *last = 0;
}

/* The C library reads it back as the same, and has no shorter text that it does, nor one of that length which is nearer. */
static void is_shortest(uint64_t bits)
{
    static const char before[] = "\"doubleValue\":";
    char value[9] = {4 << 3 | 1}, nearest[40], expected[40], digits[40];
    double real;
    for (int byte = 0; byte < 8; byte++)
        value[1 + byte] = (char)(bits >> (8 * byte));
    memcpy(&real, &bits, sizeof real);
    struct body body = span_of(raw(value, sizeof value));
    CHECK_EQUAL(transcode_bytes(body.bytes, body.size), OTLITE_EMPTY);
    const char *text = strstr(line, before);
    if (!CHECK(text != NULL))
        return;
    text += strlen(before);
    char *end;
    double read = strtod(text, &end);
    CHECK(*end == '}' && memcmp(&read, &real, sizeof real) == 0);
    int precision = 0;
    do
        snprintf(nearest, sizeof nearest, "%.*e", precision++, real);
    while (strtod(nearest, NULL) != real);
    digits_in(text, digits);
    digits_in(nearest, expected);
    /* below a power of two numbers lie denser: of two texts that short only the farther may be the same */
    bool power = bits << 12 == 0 && strlen(digits) < strlen(expected);
    if (!CHECK(power || strcmp(digits, expected) == 0))
        fprintf(stderr, "    %.20s is not %s\n", text, nearest);
}

static void doubles_are_what_the_c_library_reads(void)
{
    uint64_t seed = 2463534242;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t random = (uint64_t)draw(&seed, UINT32_MAX) << 32 | draw(&seed, UINT32_MAX);
        if ((random >> 52 & 0x7ff) != 0x7ff)
            is_shortest(random);
        is_shortest(random >> 12 | (UINT64_C(1023) + i % 64)
                                       << 52); /* of the sizes that there are */
    }
    /* 2^50 and some quarters: halfway between two of 17 digits, the even one */
    for (uint64_t i = 1; i < 200; i += 2)
        is_shortest((UINT64_C(0x431) << 52) + i);
    for (uint64_t i = 0; i < 2000; i++)
        is_shortest(i + 1);                                   /* the smallest */
    for (uint64_t exponent = 0; exponent < 0x7ff; exponent++) /* and the powers of two */
        is_shortest(exponent << 52);
}

static void integers_of_every_length(void)
{
    for (int shift = 0; shift < 64; shift++) {
        uint64_t bits = UINT64_MAX >> shift;
        char value[11] = {0x18}, text[64];
        size_t size = 1;
        for (uint64_t rest = bits; size == 1 || rest != 0; rest >>= 7)
            value[size++] = (char)(rest | (rest >= 0x80 ? 0x80 : 0));
        snprintf(text, sizeof text, "\"intValue\":\"%lld\"", (long long)bits);
        CHECK(is_value(raw(value, size), text));
    }
    for (uint64_t power = 1, digits = 1; digits < 20; digits++, power *= 10)
        for (uint64_t time = power - (power > 1); time <= power; time++) {
            char field[9] = {0x39}, text[128];
            for (int byte = 0; byte < 8; byte++)
                field[1 + byte] = (char)(time >> (8 * byte));
            snprintf(text, sizeof text,
                     "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
                     "\"startTimeUnixNano\":\"%llu\"}]}]}]}",
                     (unsigned long long)time);
            CHECK(is_line(request_of(raw(field, sizeof field)), text));
        }
}
int main(void)
{
    input = guard_make(1 << 12);
    output = guard_make(1 << 14);
    otlite_kernels_select(NULL);
    RUN(doubles_are_short_and_exact);
    RUN(integers_of_every_length);
    RUN(doubles_are_what_the_c_library_reads);
    guard_free(input);
    guard_free(output);
    return check_end();
}
