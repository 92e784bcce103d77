// The loops of resample.c for x86 processors with AVX2, chosen at run time. Two neighbouring taps are
// multiplied and added by one instruction (pmaddwd), so the taps of a channel are paired first.
#include "resample.h"

#if MAE_HAS_AVX2
#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

// MARK: columns

// More than the bytes that a load of a window's last group of taps may reach beyond its last pixel.
enum { OVERREAD = 16 };

// Rows of which a vector loop may read OVERREAD bytes beyond the end.
static int32_t roomy_rows(const mae_rows *in, const mae_axis *columns) {
  size_t widest = 0;
  for (int32_t x = 0; x < columns->outputs; x++) {
    size_t end = (size_t)columns->starts[x] + (size_t)columns->counts[x];
    if (end > widest) widest = end;
  }
  size_t needed = widest * (size_t)in->channels + OVERREAD;
  if (in->readable < needed) return 0;
  size_t rows = (in->readable - needed) / in->stride + 1;
  return rows < (size_t)in->rows ? (int32_t)rows : in->rows;
}

// Two taps of two rows: r0r1 g0g1 b0b1 00 | r0r1 g0g1 b0b1 00 in 16 bits each.
static inline __m256i paired(const uint8_t *from, size_t stride, __m256i order) {
  __m128i upper = _mm_loadu_si128((const __m128i *)from);
  __m128i lower = _mm_loadu_si128((const __m128i *)(from + stride));
  return _mm256_shuffle_epi8(_mm256_set_m128i(lower, upper), order);
}

static inline void store_pixel(uint8_t *to, uint32_t pixel) { memcpy(to, &pixel, 4); }

// Four rows at once, so that a weight is spread once for all of them.
static void color_columns(const uint8_t *in, size_t in_stride, int32_t channels,
                          const mae_axis *columns, uint8_t *out, size_t stride) {
  const __m128i threes =
      _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  const __m128i fours =
      _mm_setr_epi8(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, -1, -1, -1, -1);
  const __m256i order = _mm256_broadcastsi128_si256(channels == 3 ? threes : fours);
  const __m256i half = _mm256_set1_epi32(1 << (columns->bits - 1));
  const __m128i shift = _mm_cvtsi32_si128(columns->bits);
  for (int32_t x = 0; x < columns->outputs; x++) {
    const int16_t *weights = columns->weights + (size_t)x * (size_t)columns->taps;
    const uint8_t *from = in + (size_t)columns->starts[x] * (size_t)channels;
    __m256i a = half, b = half;
    for (int32_t k = 0; k < columns->counts[x]; k += 2, from += 2 * channels) {
      int32_t two;
      memcpy(&two, weights + k, 4);
      __m256i weight = _mm256_set1_epi32(two);
      __m256i upper = paired(from, in_stride, order);
      __m256i lower = paired(from + 2 * in_stride, in_stride, order);
      a = _mm256_add_epi32(a, _mm256_madd_epi16(upper, weight));
      b = _mm256_add_epi32(b, _mm256_madd_epi16(lower, weight));
    }
    // Rows 0 and 2 in the lower half, 1 and 3 in the upper.
    __m256i words = _mm256_packs_epi32(_mm256_sra_epi32(a, shift), _mm256_sra_epi32(b, shift));
    __m256i bytes = _mm256_packus_epi16(words, words);
    __m128i even = _mm256_castsi256_si128(bytes), odd = _mm256_extracti128_si256(bytes, 1);
    uint8_t *to = out + 4 * (size_t)x;
    store_pixel(to, (uint32_t)_mm_cvtsi128_si32(even));
    store_pixel(to + stride, (uint32_t)_mm_cvtsi128_si32(odd));
    store_pixel(to + 2 * stride, (uint32_t)_mm_extract_epi32(even, 1));
    store_pixel(to + 3 * stride, (uint32_t)_mm_extract_epi32(odd, 1));
  }
}

static inline __m128i eight(const uint8_t *from) {
  return _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)from));
}

static void gray_columns(const uint8_t *in, size_t in_stride, const mae_axis *columns,
                         uint8_t *out, size_t stride) {
  const __m128i half = _mm_set1_epi32(1 << (columns->bits - 1));
  const __m128i shift = _mm_cvtsi32_si128(columns->bits);
  for (int32_t x = 0; x < columns->outputs; x++) {
    const int16_t *weights = columns->weights + (size_t)x * (size_t)columns->taps;
    const uint8_t *from = in + columns->starts[x];
    __m128i a = _mm_setzero_si128(), b = a, c = a, d = a;
    for (int32_t k = 0; k < columns->counts[x]; k += 8, from += 8) {
      __m128i weight = _mm_loadu_si128((const __m128i *)(weights + k));
      a = _mm_add_epi32(a, _mm_madd_epi16(eight(from), weight));
      b = _mm_add_epi32(b, _mm_madd_epi16(eight(from + in_stride), weight));
      c = _mm_add_epi32(c, _mm_madd_epi16(eight(from + 2 * in_stride), weight));
      d = _mm_add_epi32(d, _mm_madd_epi16(eight(from + 3 * in_stride), weight));
    }
    __m128i sums = _mm_hadd_epi32(_mm_hadd_epi32(a, b), _mm_hadd_epi32(c, d));
    sums = _mm_sra_epi32(_mm_add_epi32(sums, half), shift);
    __m128i bytes = _mm_packus_epi16(_mm_packs_epi32(sums, sums), sums);
    uint32_t four = (uint32_t)_mm_cvtsi128_si32(bytes);
    for (int32_t i = 0; i < 4; i++) out[(size_t)i * stride + (size_t)x] = (uint8_t)(four >> 8 * i);
  }
}

void mae_resample_columns_avx2(const mae_rows *in, const mae_axis *columns, uint8_t *out,
                               size_t stride) {
  int32_t roomy = roomy_rows(in, columns);
  if (roomy < 4) roomy = 0;
  for (int32_t y = 0; y < roomy; y += 4) {
    // The last four rows may overlap the four before.
    if (y > roomy - 4) y = roomy - 4;
    const uint8_t *row = in->first + (size_t)y * in->stride;
    uint8_t *to = out + (size_t)y * stride;
    if (in->channels == 1) {
      gray_columns(row, in->stride, columns, to, stride);
    } else {
      color_columns(row, in->stride, in->channels, columns, to, stride);
    }
  }
  mae_rows rest = *in;
  rest.first += (size_t)roomy * in->stride;
  rest.rows -= roomy;
  rest.readable = 0;
  mae_resample_columns_portable(&rest, columns, out + (size_t)roomy * stride, stride);
}

// MARK: rows

void mae_blend_rows_avx2(const uint8_t *in, size_t stride, int32_t count, const int16_t *weights,
                         int32_t bits, size_t values, uint8_t *out) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i half = _mm256_set1_epi32(1 << (bits - 1));
  const __m128i shift = _mm_cvtsi32_si128(bits);
  size_t first = 0;
  for (; first + 32 <= values; first += 32) {
    __m256i a = half, b = half, c = half, d = half;
    for (int32_t k = 0; k < count; k += 2) {
      const uint8_t *row = in + (size_t)k * stride + first;
      int last = k + 1 == count;
      __m256i upper = _mm256_loadu_si256((const __m256i *)row);
      __m256i lower = last ? zero : _mm256_loadu_si256((const __m256i *)(row + stride));
      uint32_t two = (uint16_t)weights[k] | (last ? 0 : (uint32_t)(uint16_t)weights[k + 1] << 16);
      __m256i weight = _mm256_set1_epi32((int32_t)two);
      // Bytes of the two rows side by side, then 16 bits each.
      __m256i low = _mm256_unpacklo_epi8(upper, lower), high = _mm256_unpackhi_epi8(upper, lower);
      a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_unpacklo_epi8(low, zero), weight));
      b = _mm256_add_epi32(b, _mm256_madd_epi16(_mm256_unpackhi_epi8(low, zero), weight));
      c = _mm256_add_epi32(c, _mm256_madd_epi16(_mm256_unpacklo_epi8(high, zero), weight));
      d = _mm256_add_epi32(d, _mm256_madd_epi16(_mm256_unpackhi_epi8(high, zero), weight));
    }
    a = _mm256_sra_epi32(a, shift);
    b = _mm256_sra_epi32(b, shift);
    c = _mm256_sra_epi32(c, shift);
    d = _mm256_sra_epi32(d, shift);
    // Packing works within halves of 128 bits, as unpacking did: the order comes out right.
    __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
    _mm256_storeu_si256((__m256i *)(out + first), bytes);
  }
  if (first < values) {
    mae_blend_rows_portable(in + first, stride, count, weights, bits, values - first, out + first);
  }
}

void mae_normalize_quads_avx2(const uint8_t *in, size_t width, float scale, float offset,
                              float *out) {
#pragma clang fp contract(off)
  const __m256i low = _mm256_set1_epi32(255);
  const __m256 scales = _mm256_set1_ps(scale), offsets = _mm256_set1_ps(offset);
  size_t i = 0;
  // Eight groups are read whole, so the last must not begin beyond the first of its bytes.
  for (; i + 9 <= width; i += 8) {
    __m256i quads = _mm256_loadu_si256((const __m256i *)(in + 4 * i));
    __m256 values = _mm256_cvtepi32_ps(_mm256_and_si256(quads, low));
    _mm256_storeu_ps(out + i, _mm256_add_ps(_mm256_mul_ps(values, scales), offsets));
  }
  for (; i < width; i++) out[i] = (float)in[4 * i] * scale + offset;
}

void mae_normalize_triples_avx2(const uint8_t *in, size_t width, float scale, float offset,
                                float *out) {
#pragma clang fp contract(off)
  const __m128i firsts = _mm_setr_epi8(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1);
  const __m256 scales = _mm256_set1_ps(scale), offsets = _mm256_set1_ps(offset);
  size_t i = 0;
  // 28 bytes are read for eight groups, of which the last may lack two.
  for (; i + 10 <= width; i += 8) {
    __m128i low = _mm_loadu_si128((const __m128i *)(in + 3 * i));
    __m128i high = _mm_loadu_si128((const __m128i *)(in + 3 * i + 12));
    __m256i words =
        _mm256_set_m128i(_mm_shuffle_epi8(high, firsts), _mm_shuffle_epi8(low, firsts));
    __m256 values = _mm256_cvtepi32_ps(words);
    _mm256_storeu_ps(out + i, _mm256_add_ps(_mm256_mul_ps(values, scales), offsets));
  }
  for (; i < width; i++) out[i] = (float)in[3 * i] * scale + offset;
}

#pragma clang attribute pop
#endif
