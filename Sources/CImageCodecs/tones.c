// Changes of a picture's tones and colours, with Pillow's arithmetic.
#include <string.h>

#include "CImageCodecs.h"

// A fused product and sum rounds once; whether there is one must not change the result.
#pragma clang fp contract(off)

void mae_count_values(const uint8_t *in, size_t pixels, int32_t channels, uint32_t *counts) {
  memset(counts, 0, (size_t)channels * 256 * sizeof *counts);
  if (channels == 1) {
    for (size_t i = 0; i < pixels; i++) counts[in[i]]++;
    return;
  }
  for (size_t i = 0; i < pixels; i++, in += 3) {
    counts[in[0]]++;
    counts[256 + in[1]]++;
    counts[512 + in[2]]++;
  }
}

void mae_look_up(uint8_t *bytes, size_t pixels, int32_t channels, const uint8_t *tables) {
  if (channels == 1) {
    for (size_t i = 0; i < pixels; i++) bytes[i] = tables[bytes[i]];
    return;
  }
  for (size_t i = 0; i < pixels; i++, bytes += 3) {
    bytes[0] = tables[bytes[0]];
    bytes[1] = tables[256 + bytes[1]];
    bytes[2] = tables[512 + bytes[2]];
  }
}

static inline uint8_t luma(const uint8_t *rgb) {
  return (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

uint64_t mae_luma_sum(const uint8_t *rgb, size_t pixels) {
  uint64_t sum = 0;
  for (size_t i = 0; i < pixels; i++) sum += luma(rgb + 3 * i);
  return sum;
}

void mae_gray(const uint8_t *restrict rgb, size_t pixels, uint8_t *restrict out) {
  for (size_t i = 0; i < pixels; i++) {
    out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = luma(rgb + 3 * i);
  }
}

void mae_smooth(const uint8_t *restrict in, int32_t width, int32_t height, int32_t channels,
                uint8_t *restrict out) {
  size_t stride = (size_t)width * (size_t)channels, step = (size_t)channels;
  if (width < 3 || height < 3) {
    memcpy(out, in, stride * (size_t)height);
    return;
  }
  memcpy(out, in, stride);
  for (int32_t y = 1; y + 1 < height; y++) {
    const uint8_t *restrict row = in + (size_t)y * stride;
    const uint8_t *restrict above = row - stride, *restrict below = row + stride;
    uint8_t *restrict to = out + (size_t)y * stride;
    memcpy(to, row, step);
    for (size_t i = step; i < stride - step; i++) {
      uint16_t sum = (uint16_t)(above[i - step] + above[i] + above[i + step] + row[i - step]
                                + 5 * row[i] + row[i + step] + below[i - step] + below[i]
                                + below[i + step]);
      // A thirteenth, rounded: (s + 6) / 13 without a division, for all s up to 13 × 255.
      to[i] = (uint8_t)(((uint32_t)(uint16_t)(sum + 6) * 5042u) >> 16);
    }
    memcpy(to + stride - step, row + stride - step, step);
  }
  memcpy(out + ((size_t)height - 1) * stride, in + ((size_t)height - 1) * stride, stride);
}

void mae_mix(const uint8_t *restrict base, size_t count, float factor, uint8_t *restrict bytes) {
  for (size_t i = 0; i < count; i++) {
    float value = (float)base[i] + factor * (float)(bytes[i] - base[i]);
    value = value < 0 ? 0 : value;
    value = value > 255 ? 255 : value;
    bytes[i] = (uint8_t)(int32_t)value;
  }
}
