// The loops of warp.c, which includes them once for each kind of processor; `WARP(name)` tells the
// copies apart.

// The line through two values, and Keys' cubic with a = −1 through four.
#define LINE(a, b, t) ((a) + ((b) - (a)) * (t))
#define CUBIC(a, b, c, d, t) \
  ((b) + (t) * (-(a) + (c) \
    + (t) * (2 * ((a) - (b)) + (c) - (d) + (t) * (-(a) + (b) - (c) + (d)))))

// The channels of one pixel; a gray one fills them all.
ALWAYS_INLINE mae_pixel WARP(load)(const uint8_t *from, int32_t channels) {
  if (channels == 1) return (mae_pixel)((double)*from);
  mae_pixel_bytes bytes;
  memcpy(&bytes, from, 4);
  return __builtin_convertvector(bytes, mae_pixel);
}

// The value `t` beyond the second of four columns, which are given as bytes from the row's first; or
// just the second.
ALWAYS_INLINE mae_pixel WARP(across)(const uint8_t *row, const int32_t *columns, double t,
                                     mae_warp_kind kind) {
  mae_pixel b = WARP(load)(row + columns[1], kind.channels);
  if (!kind.across) return b;
  mae_pixel c = WARP(load)(row + columns[2], kind.channels);
  if (!kind.cubic) return LINE(b, c, t);
  mae_pixel a = WARP(load)(row + columns[0], kind.channels);
  mae_pixel d = WARP(load)(row + columns[3], kind.channels);
  return CUBIC(a, b, c, d, t);
}

ALWAYS_INLINE void WARP(rows)(const mae_warp *warp, uint8_t *out, mae_warp_kind kind) {
  const double *m = warp->map;
  const mae_pixel none = 0, most = 255;
  int32_t width = warp->width, height = warp->height;
  size_t stride = (size_t)width * (size_t)kind.channels;
  for (int32_t y = 0; y < height; y++) {
    for (int32_t x = 0; x < width; x++, out += kind.channels) {
      double u = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2];
      double v = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5];
      if (!(u >= 0 && u < width && v >= 0 && v < height)) {
        memcpy(out, warp->fill, (size_t)kind.channels);
        continue;
      }
      u -= 0.5;
      v -= 0.5;
      // Both are above −1: cutting rounds up what is below 0, and only that.
      int32_t left = (int32_t)u - (u < 0), top = (int32_t)v - (v < 0);
      int32_t columns[4];
      const uint8_t *rows[4];
      for (int32_t k = 0; k < 4; k++) {
        columns[k] = clamped(left - 1 + k, width) * kind.channels;
        rows[k] = warp->in + (size_t)clamped(top - 1 + k, height) * stride;
      }
      double t = u - left, s = v - top;
      mae_pixel value = WARP(across)(rows[1], columns, t, kind);
      if (kind.down) {
        mae_pixel c = WARP(across)(rows[2], columns, t, kind);
        if (kind.cubic) {
          mae_pixel a = WARP(across)(rows[0], columns, t, kind);
          mae_pixel d = WARP(across)(rows[3], columns, t, kind);
          value = CUBIC(a, value, c, d, s);
        } else {
          value = LINE(value, c, s);
        }
      }
      value = __builtin_elementwise_min(__builtin_elementwise_max(value, none), most);
      mae_pixel_bytes bytes =
          __builtin_convertvector(__builtin_convertvector(value, mae_pixel_words), mae_pixel_bytes);
      memcpy(out, &bytes, (size_t)kind.channels);
    }
  }
}

void WARP(all)(const mae_warp *warp, uint8_t *out) {
  // A map that leaves rows or columns where they are needs no neighbours there.
  int across = !(warp->map[0] == 1 && warp->map[1] == 0 && warp->map[2] == 0);
  int down = !(warp->map[3] == 0 && warp->map[4] == 1 && warp->map[5] == 0);
#define KIND(channels, cubic, across, down) \
  WARP(rows)(warp, out, (mae_warp_kind){channels, cubic, across, down})
#define DIRECTIONS(channels, cubic)               \
  if (across && down) {                           \
    KIND(channels, cubic, 1, 1);                  \
  } else if (across) {                            \
    KIND(channels, cubic, 1, 0);                  \
  } else {                                        \
    KIND(channels, cubic, 0, 1);                  \
  }
  if (warp->channels == 1) {
    KIND(1, warp->cubic, 1, 1);
  } else if (warp->cubic) {
    DIRECTIONS(3, 1)
  } else {
    DIRECTIONS(3, 0)
  }
#undef DIRECTIONS
#undef KIND
}

#undef LINE
#undef CUBIC
