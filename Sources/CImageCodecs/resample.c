// Inner loops of separable resampling. Which pixels and weights is decided in Swift.
#include "CImageCodecs.h"

// Truncation of x + ½ is rounding for what is left after the clamp.
static inline uint8_t byte_from(float x) {
  x += 0.5f;
  return x <= 0.0f ? 0 : x >= 255.0f ? 255 : (uint8_t)(int32_t)x;
}

static void resample_row_gray(const uint8_t *restrict in, const mae_axis *columns,
                              uint8_t *restrict out) {
  for (int32_t x = 0; x < columns->outputs; x++) {
    const float *weights = columns->weights + (size_t)x * (size_t)columns->taps;
    const uint8_t *from = in + columns->starts[x];
    float sum = 0;
    for (int32_t k = 0; k < columns->counts[x]; k++) sum += weights[k] * (float)from[k];
    out[x] = byte_from(sum);
  }
}

static void resample_row_rgb(const uint8_t *restrict in, const mae_axis *columns,
                             uint8_t *restrict out) {
  for (int32_t x = 0; x < columns->outputs; x++) {
    const float *weights = columns->weights + (size_t)x * (size_t)columns->taps;
    const uint8_t *from = in + 3 * (size_t)columns->starts[x];
    float red = 0, green = 0, blue = 0;
    for (int32_t k = 0; k < columns->counts[x]; k++) {
      red += weights[k] * (float)from[3 * k];
      green += weights[k] * (float)from[3 * k + 1];
      blue += weights[k] * (float)from[3 * k + 2];
    }
    out[3 * x] = byte_from(red);
    out[3 * x + 1] = byte_from(green);
    out[3 * x + 2] = byte_from(blue);
  }
}

void mae_resample_row(const uint8_t *in, int32_t channels, const mae_axis *columns, uint8_t *out) {
  if (channels == 1) {
    resample_row_gray(in, columns, out);
  } else {
    resample_row_rgb(in, columns, out);
  }
}

// Sums are made in runs of this many values, so that they stay in registers and first-level cache.
enum { RUN = 192 };

static inline void weighted_sum(const uint8_t *in, size_t stride, int32_t count,
                                const float *weights, size_t values, float *restrict sum) {
  for (size_t i = 0; i < values; i++) sum[i] = weights[0] * (float)in[i];
  for (int32_t k = 1; k < count; k++) {
    const uint8_t *restrict row = in + (size_t)k * stride;
    float weight = weights[k];
    for (size_t i = 0; i < values; i++) sum[i] += weight * (float)row[i];
  }
}

void mae_blend_rows(const uint8_t *in, size_t stride, int32_t count, const float *weights,
                    size_t values, uint8_t *out) {
  float sum[RUN];
  for (size_t first = 0; first < values; first += RUN) {
    size_t run = values - first < RUN ? values - first : RUN;
    weighted_sum(in + first, stride, count, weights, run, sum);
    for (size_t i = 0; i < run; i++) out[first + i] = byte_from(sum[i]);
  }
}

void mae_blend_rows_normalized(const uint8_t *in, size_t stride, int32_t count,
                               const float *weights, size_t width, int32_t channels,
                               const float *scale, const float *offset, float *planes,
                               size_t plane) {
  float sum[RUN];
  size_t pixels = RUN / (size_t)channels;
  for (size_t first = 0; first < width; first += pixels) {
    size_t run = width - first < pixels ? width - first : pixels;
    weighted_sum(in + first * (size_t)channels, stride, count, weights, run * (size_t)channels,
                 sum);
    for (int32_t c = 0; c < channels; c++) {
      float *restrict out = planes + (size_t)c * plane + first;
      for (size_t i = 0; i < run; i++) {
        out[i] = (float)byte_from(sum[i * (size_t)channels + (size_t)c]) * scale[c] + offset[c];
      }
    }
  }
}
