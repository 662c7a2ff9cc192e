"""The instruction sets for which generate.py writes kernels: each operation of a description as C."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Vector:
    """A width in which blocks are done: its types, and each operation as C; {0}, {1} are its operands."""

    bytes: int
    type: str
    mask: str
    ops: dict[str, str]


@dataclass(frozen=True)
class Isa:
    """An instruction set: where it is built, its widths, the widest first, and what stays by hand."""

    name: str
    title: str
    where: str
    begin: str
    end: str
    needs: tuple[str, ...]
    vectors: tuple[Vector, ...]
    masked: bool = False
    by_hand: tuple[str, ...] = ()
    prelude: str = ""


def _x86(bits: int) -> Vector:
    v, mm, si, half = f"__m{bits}i", f"_mm{bits if bits > 128 else ''}", f"si{bits}", f"__m{bits // 2}i"
    binary = {"&": "and", "|": "or", "^": "xor"}
    ops = {sign: f"{mm}_{name}_{si}({{0}}, {{1}})" for sign, name in binary.items()}
    ops |= {
        "+": f"{mm}_add_epi8({{0}}, {{1}})",
        "-": f"{mm}_sub_epi8({{0}}, {{1}})",
        "less": f"{mm}_subs_epu8({{0}}, {{1}})",
        "==": f"{mm}_cmpeq_epi8({{0}}, {{1}})",
        "<=": f"{mm}_cmpeq_epi8({mm}_min_epu8({{0}}, {{1}}), {{0}})",
        "or masks": f"{mm}_or_{si}({{0}}, {{1}})",
        "and masks": f"{mm}_and_{si}({{0}}, {{1}})",
        "select": f"{mm}_blendv_epi8({{2}}, {{1}}, {{0}})",
        "shr16": f"{mm}_srli_epi16({{0}}, {{1}})",
        "shl16": f"{mm}_slli_epi16({{0}}, {{1}})",
        "high": f"{mm}_and_{si}({mm}_srli_epi16({{0}}, 4), {mm}_set1_epi8(15))",
        "times16": f"{mm}_maddubs_epi16({{0}}, {mm}_set1_epi16(0x0110))",
        "zero": f"{mm}_setzero_{si}()",
        "splat": f"{mm}_set1_epi8((char){{0}})",
        "splat2": f"{mm}_set1_epi16((short){{0}})",
        "splat4": f"{mm}_set1_epi32((int){{0}})",
        "load": f"{mm}_loadu_{si}((const {v} *)({{0}}))",
        "store": f"{mm}_storeu_{si}(({v} *)({{0}}), {{1}})",
        "true": f"{mm}_set1_epi8(-1)",
        "all": f"{mm}_movemask_epi8({{0}}) == {'-1' if bits == 256 else '0xffff'}",
        "bits": f"(uint32_t){mm}_movemask_epi8({{0}})",
        "any": f"!{mm}_testz_{si}({{0}}, {{0}})",
        "top": f"{mm}_movemask_epi8({{0}}) != 0",
    }
    if bits == 256:
        across = "_mm256_permute2x128_si256({0}, {1}, 0x21)"
        order = "_mm256_permute4x64_epi64({0}, {1})"
        low = order.format("_mm256_packus_epi16({1}, {1})", "0x08")
        ops |= {
            "look_up": "look_up32({0}, {1})",
            "behind": f"_mm256_alignr_epi8({{1}}, {across}, 16 - {{2}})",
            "widen": f"_mm256_cvtepu8_epi16(_mm_loadu_si128((const {half} *)({{0}})))",
            "narrow": f"_mm_storeu_si128(({half} *)({{0}}), _mm256_castsi256_si128({low}))",
            "pack": order.format("_mm256_packus_epi16({0}, {1})", "0xd8"),
            "pack32": order.format("_mm256_packus_epi32({0}, {1})", "0xd8"),
        }
    else:
        ops |= {
            "look_up": "look_up16({0}, {1})",
            "widen": "_mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)({0})))",
            "narrow": "_mm_storel_epi64((__m128i *)({0}), _mm_packus_epi16({1}, {1}))",
        }
    return Vector(bits // 8, v, v, ops)


def _avx512(bits: int) -> Vector:
    """Comparisons give masks; {n} is the number of bytes that are there."""
    base, mm, mask = _x86(bits), f"_mm{bits if bits > 128 else ''}", f"__mmask{bits // 8}"
    ops = base.ops | {
        "==": f"{mm}_cmpeq_epi8_mask({{0}}, {{1}})",
        "<=": f"{mm}_cmple_epu8_mask({{0}}, {{1}})",
        "or masks": "{0} | {1}",
        "and masks": "{0} & {1}",
        "select": f"{mm}_mask_blend_epi8({{0}}, {{2}}, {{1}})",
        "true": f"({mask})-1",
        "all": f"{{0}} == ({mask})-1",
        "bits": "{0}",
        "any": f"{mm}_test_epi8_mask({{0}}, {{0}}) != 0",
        "top": f"{mm}_movepi8_mask({{0}}) != 0",
        "part": f"{mm}_mask_loadu_epi8({{1}}, first({{n}}), {{0}})",
        "widen": f"{mm}_cvtepu8_epi16(_mm_maskz_loadu_epi8((__mmask16)first({{n}}), {{0}}))",
        "store part": f"{mm}_mask_storeu_epi8({{0}}, first({{n}}), {{1}})",
        "narrow": f"_mm_mask_storeu_epi8({{0}}, (__mmask16)first({{n}}), {mm}_cvtepi16_epi8({{1}}))",
    }
    return Vector(base.bytes, base.type, mask, ops)


def _neon() -> Vector:
    binary = {"&": "vand", "|": "vorr", "^": "veor", "+": "vadd", "-": "vsub", "==": "vceq", "<=": "vcle"}
    ops = {sign: f"{name}q_u8({{0}}, {{1}})" for sign, name in binary.items()}
    ops |= {
        "less": "vqsubq_u8({0}, {1})",
        "or masks": ops["|"],
        "and masks": ops["&"],
        "select": "vbslq_u8({0}, {1}, {2})",
        "shr16": "from16(vshrq_n_u16(to16({0}), {1}))",
        "shl16": "from16(vshlq_n_u16(to16({0}), {1}))",
        "high": "vshrq_n_u8({0}, 4)",
        "times16": "from16(vorrq_u16(vshlq_n_u16(to16({0}), 4), vshrq_n_u16(to16({0}), 8)))",
        "zero": "vdupq_n_u8(0)",
        "splat": "vdupq_n_u8({0})",
        "splat2": "from16(vdupq_n_u16({0}))",
        "splat4": "vreinterpretq_u8_u32(vdupq_n_u32({0}))",
        "load": "vld1q_u8((const uint8_t *)({0}))",
        "store": "vst1q_u8((uint8_t *)({0}), {1})",
        "widen": "from16(vmovl_u8(vld1_u8((const uint8_t *)({0}))))",
        "narrow": "vst1_u8({0}, vmovn_u16(to16({1})))",
        "true": "vdupq_n_u8(255)",
        "all": "either_half(vmvnq_u8({0})) == 0",
        "bits": "bits({0})",
        "any": "either_half({0}) != 0",
        "top": "(either_half({0}) & UINT64_C(0x8080808080808080)) != 0",
        "look_up": "look_up({0}, {1})",
        "behind": "vextq_u8({0}, {1}, 16 - {2})",
        "pack": "vcombine_u8(vmovn_u16(to16({0})), vmovn_u16(to16({1})))",
        "pack32": "from16(vcombine_u16(vmovn_u32(to32({0})), vmovn_u32(to32({1}))))",
    }
    return Vector(16, "uint8x16_t", "uint8x16_t", ops)


END = "#if defined(__clang__)\n#pragma clang attribute pop\n#else\n#pragma GCC pop_options\n#endif\n"


def _x86_region(target: str) -> tuple[str, str]:
    begin = f"""#include <immintrin.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("{target}"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("{target}")
#endif
"""
    return begin, END


LOOK_UP = """static inline __m128i look_up16(const uint8_t table[16], __m128i at)
{
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)table), at);
}

static inline __m256i look_up32(const uint8_t table[16], __m256i at)
{
    __m128i once = _mm_loadu_si128((const __m128i *)table);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(once), at);
}
"""

LOOK_UP32 = LOOK_UP[LOOK_UP.index("static inline __m256i") :]

FIRST = """/* The lowest n bits, all for 32 and more. */
static inline uint32_t first(size_t n)
{
    return _bzhi_u32(~0u, n < 32 ? (unsigned)n : 32);
}
"""

NEON = """#define to16 vreinterpretq_u16_u8
#define to32 vreinterpretq_u32_u8
#define from16 vreinterpretq_u8_u16

static inline uint64_t either_half(uint8x16_t v)
{
    return vget_lane_u64(vreinterpret_u64_u8(vorr_u8(vget_low_u8(v), vget_high_u8(v))), 0);
}

static inline uint8x16_t look_up(const uint8_t table[16], uint8x16_t at)
{
#if defined(__aarch64__)
    return vqtbl1q_u8(vld1q_u8(table), at);
#else
    const uint8x8x2_t halves = {{vld1_u8(table), vld1_u8(table + 8)}};
    return vcombine_u8(vtbl2_u8(halves, vget_low_u8(at)), vtbl2_u8(halves, vget_high_u8(at)));
#endif
}

/* Bit i of byte i, added up in each half. */
static inline uint32_t bits(uint8x16_t mask)
{
    static const uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t each = vandq_u8(mask, vld1q_u8(places));
    uint8x8_t sum = vpadd_u8(vget_low_u8(each), vget_high_u8(each));
    sum = vpadd_u8(sum, sum);
    sum = vpadd_u8(sum, sum);
    return vget_lane_u16(vreinterpret_u16_u8(sum), 0);
}
"""

TO_UTF8 = ("latin1_to_utf8", "ucs2_to_utf8", "ucs4_to_utf8")
AVX512 = "avx2,popcnt,bmi2,avx512bw,avx512vl,avx512vbmi2"
NEON_BEGIN = """#if defined(__arm__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("fpu=neon")
#endif

#include <arm_neon.h>
#include <string.h>
"""
NEON_END = "#if defined(__arm__) && !defined(__clang__)\n#pragma GCC pop_options\n#endif\n"

ISAS = (
    Isa(
        "avx2",
        "x86-64 with AVX2",
        "X86",
        *_x86_region("avx2,popcnt"),
        needs=("AVX2", "POPCNT"),
        vectors=(_x86(256), _x86(128)),
        by_hand=TO_UTF8,
        prelude=LOOK_UP,
    ),
    Isa(
        "avx512",
        "AVX-512 from VBMI2 on",
        "X86",
        *_x86_region(AVX512),
        needs=("AVX2", "POPCNT", "BMI2", "AVX512F", "AVX512BW", "AVX512VL", "AVX512VBMI2"),
        vectors=(_avx512(256), _avx512(128)),
        masked=True,
        by_hand=TO_UTF8,
        prelude=f"{LOOK_UP32}\n{FIRST}",
    ),
    Isa(
        "neon",
        "Arm with NEON, in 64 bits and 32",
        "ARM",
        NEON_BEGIN,
        NEON_END,
        needs=("NEON",),
        vectors=(_neon(),),
        prelude=NEON,
    ),
)
