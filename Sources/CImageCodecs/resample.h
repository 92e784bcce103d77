// What the portable and the AVX2 loops of resampling share.
#pragma once

#include "CImageCodecs.h"

#if defined(__x86_64__) && defined(__clang__)
#define MAE_HAS_AVX2 1
#else
#define MAE_HAS_AVX2 0
#endif

static inline uint8_t mae_byte_from(int32_t x) {
  return x < 0 ? 0 : x > 255 ? 255 : (uint8_t)x;
}

#if MAE_HAS_AVX2
static inline int mae_uses_avx2(void) { return __builtin_cpu_supports("avx2"); }

void mae_resample_columns_avx2(const mae_rows *in, const mae_axis *columns, uint8_t *out,
                               size_t stride);
void mae_blend_rows_avx2(const uint8_t *in, size_t stride, int32_t count, const int16_t *weights,
                         int32_t bits, size_t values, uint8_t *out);
// Byte 0 of each group of four, and of three.
void mae_normalize_quads_avx2(const uint8_t *in, size_t width, float scale, float offset,
                              float *out);
void mae_normalize_triples_avx2(const uint8_t *in, size_t width, float scale, float offset,
                                float *out);
#endif
