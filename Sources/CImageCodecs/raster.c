// Samples of many types as floats, and planes of floats resampled.
#include <string.h>

#include "CImageCodecs.h"

size_t mae_sample_size(mae_sample_type type) {
  switch (type) {
    case MAE_SAMPLE_UINT8:
    case MAE_SAMPLE_INT8:
      return 1;
    case MAE_SAMPLE_UINT16:
    case MAE_SAMPLE_INT16:
    case MAE_SAMPLE_FLOAT16:
      return 2;
    case MAE_SAMPLE_FLOAT64:
      return 8;
    default:
      return 4;
  }
}

// A float of 16 bits (IEEE 754, binary16).
static float float_of_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, rest = half & 1023;
  float value;
  if (exponent == 0) {
    value = (float)rest * 0x1p-24f;
    return sign ? -value : value;
  }
  uint32_t bits = sign | (exponent == 31 ? 0xFFu : exponent + 112) << 23 | rest << 13;
  memcpy(&value, &bits, sizeof value);
  return value;
}

#define CONVERT(TYPE, BITS, SWAP, VALUE)                                       \
  for (size_t i = 0; i < count; i++, from += step) {                           \
    BITS bits;                                                                 \
    TYPE x;                                                                    \
    memcpy(&bits, from, sizeof bits);                                          \
    if (swaps) bits = SWAP(bits);                                              \
    memcpy(&x, &bits, sizeof x);                                               \
    out[i] = VALUE;                                                            \
  }                                                                            \
  return

#define SAME(x) (x)

void mae_samples_to_floats(const void *in, mae_sample_type type, int32_t swaps, ptrdiff_t step,
                           size_t count, float *out) {
  const uint8_t *from = in;
  switch (type) {
    case MAE_SAMPLE_UINT8:
      CONVERT(uint8_t, uint8_t, SAME, (float)x);
    case MAE_SAMPLE_INT8:
      CONVERT(int8_t, uint8_t, SAME, (float)x);
    case MAE_SAMPLE_UINT16:
      CONVERT(uint16_t, uint16_t, __builtin_bswap16, (float)x);
    case MAE_SAMPLE_INT16:
      CONVERT(int16_t, uint16_t, __builtin_bswap16, (float)x);
    case MAE_SAMPLE_UINT32:
      CONVERT(uint32_t, uint32_t, __builtin_bswap32, (float)x);
    case MAE_SAMPLE_INT32:
      CONVERT(int32_t, uint32_t, __builtin_bswap32, (float)x);
    case MAE_SAMPLE_FLOAT16:
      CONVERT(uint16_t, uint16_t, __builtin_bswap16, float_of_half(x));
    case MAE_SAMPLE_FLOAT32:
      CONVERT(float, uint32_t, __builtin_bswap32, x);
    default:
      CONVERT(double, uint64_t, __builtin_bswap64, (float)x);
  }
}

void mae_resample_plane(const float *in, size_t width, const mae_float_axis *columns,
                        const mae_float_axis *rows, int32_t first_row, int32_t last_row, float mean,
                        float scale, float *between, float *out) {
  size_t outputs = (size_t)columns->outputs;
  for (int32_t y = first_row; y < last_row; y++) {
    const float *row = in + (size_t)y * width;
    float *to = between + (size_t)(y - first_row) * outputs;
    for (size_t x = 0; x < outputs; x++) {
      const float *weights = columns->weights + x * (size_t)columns->taps;
      const float *from = row + columns->starts[x];
      float sum = 0;
      // A sample that is not a number must not reach where its weight is 0.
      for (int32_t k = 0; k < columns->counts[x]; k++) {
        if (weights[k] != 0) sum += weights[k] * from[k];
      }
      to[x] = sum;
    }
  }
  for (int32_t y = 0; y < rows->outputs; y++) {
    const float *weights = rows->weights + (size_t)y * (size_t)rows->taps;
    const float *from = between + (size_t)(rows->starts[y] - first_row) * outputs;
    float *to = out + (size_t)y * outputs;
    memset(to, 0, outputs * sizeof *to);
    for (int32_t k = 0; k < rows->counts[y]; k++) {
      float weight = weights[k];
      if (weight == 0) continue;
      const float *row = from + (size_t)k * outputs;
      for (size_t x = 0; x < outputs; x++) to[x] += weight * row[x];
    }
    for (size_t x = 0; x < outputs; x++) to[x] = (to[x] - mean) * scale;
  }
}
