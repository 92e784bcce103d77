// PNG by libpng.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "CImageCodecs.h"
#include "samples.h"

// In the place of a number of channels: numbers of classes. Below 0: so many samples as they are stored.
enum { LABELS = 0 };

typedef struct {
  char *message;
  mae_codec_status status;
  // Reading.
  const uint8_t *bytes;
  size_t left;
  // Writing.
  uint8_t *encoded;
  size_t count, capacity;
  png_bytep *rows;
} png_state;

static void fail(png_structp png, mae_codec_status status, const char *text) {
  png_state *state = png_get_error_ptr(png);
  state->status = status;
  snprintf(state->message, MAE_CODEC_MESSAGE_BYTES, "%s", text);
  longjmp(png_jmpbuf(png), 1);
}

static void on_error(png_structp png, png_const_charp text) {
  mae_codec_status status = MAE_CODEC_CORRUPT;
  if (strstr(text, "emory")) status = MAE_CODEC_OUT_OF_MEMORY;
  if (strstr(text, "limit")) status = MAE_CODEC_TOO_LARGE;
  fail(png, status, text);
}

static void on_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

static void on_read(png_structp png, png_bytep out, size_t count) {
  png_state *state = png_get_io_ptr(png);
  if (count > state->left) fail(png, MAE_CODEC_TRUNCATED, "ends before the picture does");
  memcpy(out, state->bytes, count);
  state->bytes += count;
  state->left -= count;
}

// A row of samples of 16 bits, big-endian, to bytes in place; before the passes of an interlaced
// picture are put together.
static void on_row(png_structp png, png_row_infop row, png_bytep samples) {
  mae_sample_range *range = png_get_user_transform_ptr(png);
  size_t count = (size_t)row->width * row->channels;
  for (size_t i = 0; i < count; i++) {
    samples[i] = byte_of_sample(range, (uint32_t)samples[2 * i] << 8 | samples[2 * i + 1]);
  }
}

// Apart from the function with the setjmp, whose locals must not change after it.
static void read_picture(png_structp png, png_infop info, png_state *state, uint32_t width,
                         uint32_t height, int32_t channels, mae_sample_range *range,
                         uint8_t *pixels) {
  int is_label_map = channels == LABELS, is_raster = channels < 0;
  int keeps_alpha = !is_raster && channels == 4;
  png_set_read_fn(png, state, on_read);
  // Chunks that do not change the pixels (profiles, text) are not even unpacked.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_read_info(png, info);
  if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height) {
    fail(png, MAE_CODEC_CORRUPT, "declares two different sizes");
  }
  int color = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
  size_t row_bytes = (size_t)width * (size_t)(is_raster ? -channels : channels);
  if (is_raster && depth == 16) row_bytes *= 2;
  if (is_label_map) {
    // Numbers as they are stored, not the colours that they stand for.
    if (color & PNG_COLOR_MASK_COLOR && color != PNG_COLOR_TYPE_PALETTE) {
      fail(png, MAE_CODEC_UNSUPPORTED, "has colours where numbers of classes are expected");
    }
    if (depth < 8) png_set_packing(png);
    if (depth == 16) png_set_swap(png);
    row_bytes = (size_t)width * (depth == 16 ? 2 : 1);
  } else {
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (color == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (is_raster) {
      if (depth == 16) png_set_swap(png);
    } else if (depth == 16 && keeps_alpha) {
      png_set_strip_16(png);
    } else if (depth == 16) {
      png_set_read_user_transform_fn(png, on_row);
      png_set_user_transform_info(png, range, 8, channels);
    }
  }
  if (keeps_alpha) {
    if (png_get_valid(png, info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(png);
    if (!(color & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 0xFF, PNG_FILLER_AFTER);
  } else if (!is_raster) {
    png_set_strip_alpha(png);
  }
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != row_bytes) {
    fail(png, MAE_CODEC_UNSUPPORTED, "has a pixel layout that is not understood");
  }
  if (passes == 1) {
    for (uint32_t y = 0; y < height; y++) png_read_row(png, pixels + y * row_bytes, NULL);
  } else {
    state->rows = malloc(height * sizeof *state->rows);
    if (!state->rows) fail(png, MAE_CODEC_OUT_OF_MEMORY, "needs more memory than there is");
    for (uint32_t y = 0; y < height; y++) state->rows[y] = pixels + y * row_bytes;
    png_read_image(png, state->rows);
  }
  png_read_end(png, NULL);
}

mae_codec_status mae_png_decode(const uint8_t *bytes, size_t count, uint32_t width,
                                uint32_t height, int32_t channels, mae_sample_range *range,
                                uint8_t *pixels, char *message) {
  png_state state = {.message = message, .bytes = bytes, .left = count};
  message[0] = 0;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    snprintf(message, MAE_CODEC_MESSAGE_BYTES, "needs more memory than there is");
    return MAE_CODEC_OUT_OF_MEMORY;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    free(state.rows);
    return state.status;
  }
  read_picture(png, info, &state, width, height, channels, range, pixels);
  png_destroy_read_struct(&png, &info, NULL);
  free(state.rows);
  return MAE_CODEC_OK;
}

mae_codec_status mae_png_decode_labels(const uint8_t *bytes, size_t count, uint32_t width,
                                       uint32_t height, void *labels, char *message) {
  return mae_png_decode(bytes, count, width, height, LABELS, NULL, labels, message);
}

mae_codec_status mae_png_decode_samples(const uint8_t *bytes, size_t count, uint32_t width,
                                        uint32_t height, int32_t channels, void *samples,
                                        char *message) {
  return mae_png_decode(bytes, count, width, height, -channels, NULL, samples, message);
}

static void on_write(png_structp png, png_bytep in, size_t count) {
  png_state *state = png_get_io_ptr(png);
  if (state->capacity - state->count < count) {
    size_t capacity = (state->capacity + count) * 2;
    uint8_t *grown = realloc(state->encoded, capacity);
    if (!grown) fail(png, MAE_CODEC_OUT_OF_MEMORY, "needs more memory than there is");
    state->encoded = grown;
    state->capacity = capacity;
  }
  memcpy(state->encoded + state->count, in, count);
  state->count += count;
}

static void on_flush(png_structp png) { (void)png; }

// `row_bytes` from one row of `pixels` to the next; 16 bits in the machine's order; the colours of
// `palette` where there are any.
static mae_codec_status encode(const uint8_t *pixels, uint32_t width, uint32_t height, int depth,
                               int color, size_t row_bytes, const uint8_t *palette,
                               int32_t colors, int32_t compression, uint8_t **encoded,
                               size_t *count, char *message) {
  png_state state = {.message = message};
  message[0] = 0;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    snprintf(message, MAE_CODEC_MESSAGE_BYTES, "needs more memory than there is");
    return MAE_CODEC_OUT_OF_MEMORY;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    free(state.encoded);
    return state.status;
  }
  png_set_write_fn(png, &state, on_write, on_flush);
  png_set_compression_level(png, compression);
  png_set_IHDR(png, info, width, height, depth, color, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (color == PNG_COLOR_TYPE_PALETTE) {
    png_color table[256];
    for (int32_t i = 0; i < colors; i++) {
      table[i].red = palette[3 * i];
      table[i].green = palette[3 * i + 1];
      table[i].blue = palette[3 * i + 2];
    }
    png_set_PLTE(png, info, table, colors);
  }
  png_write_info(png, info);
  if (depth == 16) png_set_swap(png);
  for (uint32_t y = 0; y < height; y++) png_write_row(png, pixels + y * row_bytes);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  *encoded = state.encoded;
  *count = state.count;
  return MAE_CODEC_OK;
}

mae_codec_status mae_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height,
                                int32_t channels, int32_t compression, uint8_t **encoded,
                                size_t *count, char *message) {
  return encode(pixels, width, height, 8, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                (size_t)width * (size_t)channels, NULL, 0, compression, encoded, count, message);
}

mae_codec_status mae_png_encode_labels(const void *labels, uint32_t width, uint32_t height,
                                       int32_t depth, const uint8_t *palette, int32_t colors,
                                       int32_t compression, uint8_t **encoded, size_t *count,
                                       char *message) {
  return encode(labels, width, height, depth,
                colors > 0 ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_GRAY,
                (size_t)width * (depth == 16 ? 2 : 1), palette, colors, compression, encoded,
                count, message);
}

void mae_png_free(uint8_t *encoded) { free(encoded); }
