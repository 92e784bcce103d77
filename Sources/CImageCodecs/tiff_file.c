// TIFF files by libtiff: opening them from memory, and what bounds the cost of reading them.
#include "tiff_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The first reason stays.
int mae_tiff_fail(mae_tiff_file *state, mae_codec_status status, const char *format, ...) {
  if (state->status != MAE_CODEC_OK) return 0;
  state->status = status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(state->message, MAE_CODEC_MESSAGE_BYTES, format, arguments);
  va_end(arguments);
  return 0;
}

// MARK: libtiff's callbacks

// Since 4.5.0 a file has handlers of its own, and a limit on what it may allocate.
#define HAS_OPEN_OPTIONS (TIFFLIB_VERSION >= 20221213)

static int on_error(TIFF *file, void *user, const char *module, const char *format,
                    va_list arguments) {
  (void)file, (void)module;
  mae_tiff_file *state = user;
  if (state->status != MAE_CODEC_OK) return 1;
  vsnprintf(state->message, MAE_CODEC_MESSAGE_BYTES, format, arguments);
  state->status = MAE_CODEC_CORRUPT;
  if (strstr(state->message, "not enough") || strstr(state->message, "Not enough") ||
      strstr(state->message, "; got ") || strstr(state->message, "Read error")) {
    state->status = MAE_CODEC_TRUNCATED;
    snprintf(state->message, MAE_CODEC_MESSAGE_BYTES, "ends before the picture does");
  } else if (strstr(state->message, "emory")) {
    state->status = MAE_CODEC_TOO_LARGE;
    snprintf(state->message, MAE_CODEC_MESSAGE_BYTES, "needs more memory than is allowed");
  }
  return 1;
}

// Warnings after which part of the picture is invented are errors; the others say nothing.
static int on_warning(TIFF *file, void *user, const char *module, const char *format,
                      va_list arguments) {
  (void)file, (void)module;
  mae_tiff_file *state = user;
  char text[MAE_CODEC_MESSAGE_BYTES];
  vsnprintf(text, sizeof text, format, arguments);
  if (strstr(text, "remature") || strstr(text, "orrupt JPEG") || strstr(text, "bad Huffman")) {
    mae_tiff_fail(state, MAE_CODEC_CORRUPT, "%s", text);
  }
  return 1;
}

#if !HAS_OPEN_OPTIONS
// What this thread reads.
static _Thread_local mae_tiff_file *current;

static void on_any_error(const char *module, const char *format, va_list arguments) {
  if (current) on_error(NULL, current, module, format, arguments);
}

static void on_any_warning(const char *module, const char *format, va_list arguments) {
  if (current) on_warning(NULL, current, module, format, arguments);
}
#endif

static tmsize_t on_read(thandle_t handle, void *out, tmsize_t count) {
  mae_tiff_file *state = handle;
  if (count < 0 || state->position >= state->count) return 0;
  size_t left = state->count - (size_t)state->position;
  size_t taken = (size_t)count < left ? (size_t)count : left;
  memcpy(out, state->bytes + state->position, taken);
  state->position += taken;
  return (tmsize_t)taken;
}

static tmsize_t on_write(thandle_t handle, void *in, tmsize_t count) {
  (void)handle, (void)in, (void)count;
  return 0;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int from) {
  mae_tiff_file *state = handle;
  if (from == SEEK_CUR) offset += state->position;
  if (from == SEEK_END) offset += state->count;
  state->position = offset;
  return offset;
}

static int on_close(thandle_t handle) { return (void)handle, 0; }

static toff_t on_size(thandle_t handle) { return ((mae_tiff_file *)handle)->count; }

// libtiff only reads what it maps.
static int on_map(thandle_t handle, void **base, toff_t *size) {
  mae_tiff_file *state = handle;
  *base = (void *)state->bytes;
  *size = state->count;
  return 1;
}

static void on_unmap(thandle_t handle, void *base, toff_t size) {
  (void)handle, (void)base, (void)size;
}

void mae_tiff_close(mae_tiff_file *state) {
  if (state->file) TIFFClose(state->file);
  state->file = NULL;
#if !HAS_OPEN_OPTIONS
  current = NULL;
#endif
  free(state->encoded);
  free(state->samples);
}

static TIFF *opened(mae_tiff_file *state, int64_t max_memory) {
  // c: strips stay as they are.
#if HAS_OPEN_OPTIONS
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return NULL;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)max_memory);
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, state);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, state);
  TIFF *file = TIFFClientOpenExt("", "rc", state, on_read, on_write, on_seek, on_close, on_size,
                                 on_map, on_unmap, options);
  TIFFOpenOptionsFree(options);
  return file;
#else
  (void)max_memory;
  current = state;
  TIFFSetErrorHandler(on_any_error);
  TIFFSetWarningHandler(on_any_warning);
  return TIFFClientOpen("", "rc", state, on_read, on_write, on_seek, on_close, on_size, on_map,
                        on_unmap);
#endif
}

int mae_tiff_open(mae_tiff_file *state, uint64_t directory, int64_t max_memory) {
  state->message[0] = 0;
  state->file = opened(state, max_memory);
  if (!state->file) return mae_tiff_fail(state, MAE_CODEC_CORRUPT, "its directory cannot be read");
  if (directory && TIFFCurrentDirOffset(state->file) != directory &&
      !TIFFSetSubDirectory(state->file, directory)) {
    return mae_tiff_fail(state, MAE_CODEC_CORRUPT, "the directory of a page cannot be read");
  }
  // What libtiff said of odd tags while it opened the file does not matter if the file is open.
  state->status = MAE_CODEC_OK;
  state->message[0] = 0;
  return 1;
}

// MARK: what the parts cost

// Only codecs whose memory is bounded.
int mae_tiff_reads_compression(uint16_t compression) {
  switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW:
    case COMPRESSION_JPEG:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_ZSTD:
      return TIFFIsCODECConfigured(compression);
    default:
      return 0;
  }
}

// Whether the JPEG file of a strip or tile has one scan and little before it. Several scans go through
// the whole part each, and here nothing counts them.
static int has_one_scan(const uint8_t *part, uint64_t count) {
  enum { MOST_SEGMENTS = 64 };
  uint64_t at = 2;
  unsigned components = 0;
  for (int i = 0; i < MOST_SEGMENTS && at + 4 <= count && part[at] == 0xFF; i++) {
    uint8_t marker = part[at + 1];
    uint64_t length = (uint64_t)part[at + 2] << 8 | part[at + 3];
    uint64_t end = at + 2 + length;
    if (length < 2 || end > count) return 0;
    // A frame of the sequential kinds; its fifth byte after the marker begins the size.
    if (marker == 0xC0 || marker == 0xC1) {
      if (length < 8) return 0;
      components = part[at + 9];
    }
    if (marker == 0xDA) return length >= 3 && part[at + 4] == components;
    // Progressive, lossless, hierarchical and arithmetic frames. C4 holds tables, C8 and CC none.
    if (marker > 0xC1 && marker <= 0xCF && marker != 0xC4) return 0;
    at = end;
  }
  return 0;
}

// Strips and tiles that share bytes would let a small file cost as much as it likes.
int mae_tiff_parts_are_sound(mae_tiff_file *state) {
  TIFF *file = state->file;
  uint16_t compression = COMPRESSION_NONE;
  TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &compression);
  uint32_t parts = TIFFIsTiled(file) ? TIFFNumberOfTiles(file) : TIFFNumberOfStrips(file);
  uint64_t total = 0;
  for (uint32_t part = 0; part < parts; part++) {
    uint64_t offset = TIFFGetStrileOffset(file, part), count = TIFFGetStrileByteCount(file, part);
    if (count > state->count || offset > state->count - count) {
      return mae_tiff_fail(state, MAE_CODEC_TRUNCATED, "ends before the picture does");
    }
    total += count;
    if (total > state->count) {
      return mae_tiff_fail(state, MAE_CODEC_CORRUPT, "parts of the picture overlap");
    }
    if (compression == COMPRESSION_JPEG && !has_one_scan(state->bytes + offset, count)) {
      return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "JPEG that is not sequential");
    }
  }
  return 1;
}

// After a codec reported a failure, or only said so in words.
int mae_tiff_has_failed(mae_tiff_file *state, int is_read) {
  if (!is_read) mae_tiff_fail(state, MAE_CODEC_CORRUPT, "the picture cannot be decoded");
  return state->status != MAE_CODEC_OK;
}

int mae_tiff_tile_size(mae_tiff_file *state, uint32_t columns, uint32_t rows, uint32_t *width,
                       uint32_t *height) {
  *width = *height = 0;
  TIFFGetField(state->file, TIFFTAG_TILEWIDTH, width);
  TIFFGetField(state->file, TIFFTAG_TILELENGTH, height);
  if (*width == 0 || *height == 0) {
    return mae_tiff_fail(state, MAE_CODEC_CORRUPT, "has tiles without a size");
  }
  // What tiles hold beyond the picture is decoded in vain: a little, or somebody means harm.
  uint64_t across = ((uint64_t)columns + *width - 1) / *width;
  uint64_t down = ((uint64_t)rows + *height - 1) / *height;
  uint64_t area = (uint64_t)columns * rows;
  if (*width > 1u << 20 || *height > 1u << 20 ||
      across * *width * (down * *height) > 4 * area + (1 << 22)) {
    return mae_tiff_fail(state, MAE_CODEC_TOO_LARGE, "has tiles of %ux%u pixels", *width, *height);
  }
  return 1;
}

int mae_tiff_take_memory(mae_tiff_file *state, uint64_t encoded, uint64_t samples,
                         int64_t max_memory) {
  if (encoded == 0 || encoded > (uint64_t)max_memory || samples > (uint64_t)max_memory) {
    return mae_tiff_fail(state, MAE_CODEC_TOO_LARGE,
                         "needs more memory to decode than is allowed");
  }
  state->encoded = malloc(encoded);
  state->samples = samples ? malloc(samples) : NULL;
  if (!state->encoded || (samples && !state->samples)) {
    return mae_tiff_fail(state, MAE_CODEC_OUT_OF_MEMORY, "needs more memory than there is");
  }
  return 1;
}
