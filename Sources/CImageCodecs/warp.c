// Affine maps of pictures. The sums are made in Pillow's order and precision: the bytes are Pillow's, on
// every machine.
#include <string.h>

#include "resample.h"

// A fused product and sum rounds once; whether there is one must not change the result.
#pragma clang fp contract(off)

// Vectors cross calls between functions of this file only, all of them inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

typedef double mae_pixel __attribute__((ext_vector_type(4)));
typedef int32_t mae_pixel_words __attribute__((ext_vector_type(4)));
typedef uint8_t mae_pixel_bytes __attribute__((ext_vector_type(4)));

// What the loops are made for.
typedef struct {
  int32_t channels, cubic;
  // Whether neighbours in the same row, and in the same column, matter.
  int32_t across, down;
} mae_warp_kind;

ALWAYS_INLINE int32_t clamped(int32_t i, int32_t count) {
  return i < 0 ? 0 : i >= count ? count - 1 : i;
}

#define WARP(name) mae_warp_portable_##name
#include "warp_loops.h"
#undef WARP

#if MAE_HAS_AVX2
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define WARP(name) mae_warp_avx2_##name
#include "warp_loops.h"
#undef WARP
#pragma clang attribute pop
#endif

void mae_warp_rows(const mae_warp *warp, uint8_t *out) {
#if MAE_HAS_AVX2
  if (mae_uses_avx2()) {
    mae_warp_avx2_all(warp, out);
    return;
  }
#endif
  mae_warp_portable_all(warp, out);
}

void mae_warp_rows_portable(const mae_warp *warp, uint8_t *out) { mae_warp_portable_all(warp, out); }
