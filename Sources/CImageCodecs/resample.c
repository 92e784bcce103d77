// Inner loops of separable resampling. Which pixels and weights is decided in Swift.
#include "resample.h"

// MARK: portable

void mae_resample_columns_portable(const mae_rows *in, const mae_axis *columns, uint8_t *out,
                                   size_t stride) {
  size_t channels = (size_t)in->channels;
  int32_t half = 1 << (columns->bits - 1);
  for (int32_t y = 0; y < in->rows; y++) {
    const uint8_t *row = in->first + (size_t)y * in->stride;
    uint8_t *to = out + (size_t)y * stride;
    for (int32_t x = 0; x < columns->outputs; x++) {
      const int16_t *weights = columns->weights + (size_t)x * (size_t)columns->taps;
      const uint8_t *from = row + (size_t)columns->starts[x] * channels;
      int32_t count = columns->counts[x];
      if (channels == 1) {
        int32_t sum = half;
        for (int32_t k = 0; k < count; k++) sum += weights[k] * from[k];
        to[x] = mae_byte_from(sum >> columns->bits);
        continue;
      }
      int32_t red = half, green = half, blue = half;
      for (int32_t k = 0; k < count; k++, from += channels) {
        red += weights[k] * from[0];
        green += weights[k] * from[1];
        blue += weights[k] * from[2];
      }
      to[4 * x] = mae_byte_from(red >> columns->bits);
      to[4 * x + 1] = mae_byte_from(green >> columns->bits);
      to[4 * x + 2] = mae_byte_from(blue >> columns->bits);
      to[4 * x + 3] = 0;
    }
  }
}

// Sums are made in runs of this many values, so that they stay in first-level cache.
enum { RUN = 256 };

void mae_blend_rows_portable(const uint8_t *in, size_t stride, int32_t count,
                             const int16_t *weights, int32_t bits, size_t values, uint8_t *out) {
  int32_t sum[RUN];
  for (size_t first = 0; first < values; first += RUN) {
    size_t run = values - first < RUN ? values - first : RUN;
    for (size_t i = 0; i < run; i++) sum[i] = 1 << (bits - 1);
    for (int32_t k = 0; k < count; k++) {
      const uint8_t *restrict row = in + (size_t)k * stride + first;
      int32_t weight = weights[k];
      for (size_t i = 0; i < run; i++) sum[i] += weight * row[i];
    }
    for (size_t i = 0; i < run; i++) out[first + i] = mae_byte_from(sum[i] >> bits);
  }
}

// MARK: choice

void mae_resample_columns(const mae_rows *in, const mae_axis *columns, uint8_t *out,
                          size_t stride) {
#if MAE_HAS_AVX2
  if (mae_uses_avx2()) {
    mae_resample_columns_avx2(in, columns, out, stride);
    return;
  }
#endif
  mae_resample_columns_portable(in, columns, out, stride);
}

void mae_blend_rows(const uint8_t *in, size_t stride, int32_t count, const int16_t *weights,
                    int32_t bits, size_t values, uint8_t *out) {
#if MAE_HAS_AVX2
  if (mae_uses_avx2()) {
    mae_blend_rows_avx2(in, stride, count, weights, bits, values, out);
    return;
  }
#endif
  mae_blend_rows_portable(in, stride, count, weights, bits, values, out);
}

void mae_normalize(const uint8_t *in, size_t step, size_t width, float scale, float offset,
                   float *restrict out) {
  // A fused product and sum rounds once; whether there is one must not change the result.
#pragma clang fp contract(off)
#if MAE_HAS_AVX2
  if (step == 4 && mae_uses_avx2()) {
    mae_normalize_quads_avx2(in, width, scale, offset, out);
    return;
  }
  if (step == 3 && mae_uses_avx2()) {
    mae_normalize_triples_avx2(in, width, scale, offset, out);
    return;
  }
#endif
  if (step == 1) {
    for (size_t i = 0; i < width; i++) out[i] = (float)in[i] * scale + offset;
  } else {
    for (size_t i = 0; i < width; i++) out[i] = (float)in[i * step] * scale + offset;
  }
}
void mae_pick(const uint8_t *in, size_t step, size_t width, uint8_t *restrict out) {
  if (step == 4) {
    for (size_t i = 0; i < width; i++) out[i] = in[4 * i];
  } else if (step == 3) {
    for (size_t i = 0; i < width; i++) out[i] = in[3 * i];
  } else {
    for (size_t i = 0; i < width; i++) out[i] = in[i * step];
  }
}
