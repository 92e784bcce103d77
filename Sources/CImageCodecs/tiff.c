// TIFF by libtiff: the first picture of a file, whose samples become 8-bit gray or RGB here.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

#include "CImageCodecs.h"
#include "samples.h"

typedef struct {
  char *message;
  mae_codec_status status;
  const uint8_t *bytes;
  size_t count;
  toff_t position;
  mae_sample_range *range;
  // What must be freed, also after a failure.
  TIFF *file;
  uint8_t *encoded;
  uint8_t *samples;
} tiff_state;

// The first reason stays.
static int fail(tiff_state *state, mae_codec_status status, const char *format, ...) {
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
  tiff_state *state = user;
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
  tiff_state *state = user;
  char text[MAE_CODEC_MESSAGE_BYTES];
  vsnprintf(text, sizeof text, format, arguments);
  if (strstr(text, "remature") || strstr(text, "orrupt JPEG") || strstr(text, "bad Huffman")) {
    fail(state, MAE_CODEC_CORRUPT, "%s", text);
  }
  return 1;
}

#if !HAS_OPEN_OPTIONS
// What this thread reads.
static _Thread_local tiff_state *current;

static void on_any_error(const char *module, const char *format, va_list arguments) {
  if (current) on_error(NULL, current, module, format, arguments);
}

static void on_any_warning(const char *module, const char *format, va_list arguments) {
  if (current) on_warning(NULL, current, module, format, arguments);
}
#endif

static tmsize_t on_read(thandle_t handle, void *out, tmsize_t count) {
  tiff_state *state = handle;
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
  tiff_state *state = handle;
  if (from == SEEK_CUR) offset += state->position;
  if (from == SEEK_END) offset += state->count;
  state->position = offset;
  return offset;
}

static int on_close(thandle_t handle) { return (void)handle, 0; }

static toff_t on_size(thandle_t handle) { return ((tiff_state *)handle)->count; }

// libtiff only reads what it maps.
static int on_map(thandle_t handle, void **base, toff_t *size) {
  tiff_state *state = handle;
  *base = (void *)state->bytes;
  *size = state->count;
  return 1;
}

static void on_unmap(thandle_t handle, void *base, toff_t size) {
  (void)handle, (void)base, (void)size;
}

static void close_file(tiff_state *state) {
  if (state->file) TIFFClose(state->file);
#if !HAS_OPEN_OPTIONS
  current = NULL;
#endif
}

static TIFF *open_file(tiff_state *state, int64_t max_memory) {
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

// MARK: what the samples mean

enum { GRAY, PALETTE, COLOR, CMYK };

typedef struct {
  uint32_t width, height;
  int kind;
  // Channels of the result.
  int channels;
  // Samples a pixel, those that are not shown counted, and how many of them are used.
  int samples, used;
  // How many samples are colours; others are alpha.
  int colors;
  int bits;
  // Whether each sample has a plane of its own.
  int is_planar;
  int is_inverted;
  // Whether the colours were multiplied by the alpha that follows them.
  int is_premultiplied;
  uint8_t palette[256][3];
} tiff_layout;

enum { MOST_EXTRA_SAMPLES = 3 };

static int read_palette(tiff_state *state, tiff_layout *layout) {
  uint16_t *red, *green, *blue;
  if (!TIFFGetField(state->file, TIFFTAG_COLORMAP, &red, &green, &blue)) {
    return fail(state, MAE_CODEC_CORRUPT, "has no palette");
  }
  for (int i = 0; i < 1 << layout->bits; i++) {
    layout->palette[i][0] = (uint8_t)(red[i] >> 8);
    layout->palette[i][1] = (uint8_t)(green[i] >> 8);
    layout->palette[i][2] = (uint8_t)(blue[i] >> 8);
  }
  return 1;
}

// Only codecs whose memory is bounded.
static int is_compression_read(uint16_t compression) {
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

static const char sample_kinds[] = "numbers from 0 on of 1 to 8 or 16 bits";

static int read_layout(tiff_state *state, tiff_layout *layout) {
  TIFF *file = state->file;
  uint32_t width = 0, height = 0;
  TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
  if (width != layout->width || height != layout->height) {
    return fail(state, MAE_CODEC_CORRUPT, "declares two different sizes");
  }
  uint16_t bits = 1, samples = 1, planar = PLANARCONFIG_CONTIG, format = SAMPLEFORMAT_UINT;
  uint16_t compression = COMPRESSION_NONE, photometric = 0, extras = 0, *extra = NULL;
  TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetFieldDefaulted(file, TIFFTAG_PLANARCONFIG, &planar);
  TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted(file, TIFFTAG_EXTRASAMPLES, &extras, &extra);
  if (!TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &photometric)) {
    return fail(state, MAE_CODEC_CORRUPT, "does not say what its colours mean");
  }
  if (!is_compression_read(compression)) {
    return fail(state, MAE_CODEC_UNSUPPORTED, "compression %d", compression);
  }
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) {
    const char *numbers = format == SAMPLEFORMAT_INT      ? "signed whole numbers"
                          : format == SAMPLEFORMAT_IEEEFP ? "floating-point numbers"
                                                          : "complex numbers";
    return fail(state, MAE_CODEC_UNSUPPORTED, "its samples are %s of %d bits; expected %s", numbers,
                bits, sample_kinds);
  }
  int colors = 1;
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
      layout->kind = GRAY;
      layout->is_inverted = photometric == PHOTOMETRIC_MINISWHITE;
      break;
    case PHOTOMETRIC_PALETTE:
      layout->kind = PALETTE;
      break;
    case PHOTOMETRIC_YCBCR:
      // libjpeg converts what it decodes; the samples of other codecs would be our own work.
      if (compression != COMPRESSION_JPEG || samples != 3 || bits != 8 ||
          planar != PLANARCONFIG_CONTIG) {
        return fail(state, MAE_CODEC_UNSUPPORTED, "YCbCr that is not JPEG");
      }
      TIFFSetField(file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      layout->kind = COLOR;
      colors = 3;
      break;
    case PHOTOMETRIC_RGB:
      layout->kind = COLOR;
      colors = 3;
      break;
    case PHOTOMETRIC_SEPARATED: {
      uint16_t inks = INKSET_CMYK;
      TIFFGetFieldDefaulted(file, TIFFTAG_INKSET, &inks);
      if (inks != INKSET_CMYK) {
        return fail(state, MAE_CODEC_UNSUPPORTED, "inks other than CMYK");
      }
      layout->kind = CMYK;
      colors = 4;
      break;
    }
    default:
      return fail(state, MAE_CODEC_UNSUPPORTED, "colour space %d", photometric);
  }
  int is_small = bits == 1 || bits == 2 || bits == 4;
  if (bits != 8 && !(bits == 16 && layout->kind != PALETTE) && !(is_small && colors == 1)) {
    return fail(state, MAE_CODEC_UNSUPPORTED, "its samples have %d bits; expected %s", bits,
                sample_kinds);
  }
  if (samples < colors || samples > colors + MOST_EXTRA_SAMPLES) {
    return fail(state, MAE_CODEC_UNSUPPORTED, "%d samples a pixel", samples);
  }
  if (layout->channels != (layout->kind == GRAY ? 1 : 3)) {
    return fail(state, MAE_CODEC_CORRUPT, "declares two different kinds of colour");
  }
  layout->bits = bits;
  layout->samples = samples;
  layout->is_planar = planar == PLANARCONFIG_SEPARATE && samples > 1;
  layout->is_premultiplied = samples > colors && extras > 0 && extra && layout->kind != PALETTE &&
                             layout->kind != CMYK && extra[0] == EXTRASAMPLE_ASSOCALPHA;
  layout->colors = colors;
  layout->used = colors + layout->is_premultiplied;
  return layout->kind != PALETTE || read_palette(state, layout);
}

// MARK: what the parts cost

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
static int are_parts_sound(tiff_state *state) {
  TIFF *file = state->file;
  uint16_t compression = COMPRESSION_NONE;
  TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &compression);
  uint32_t parts = TIFFIsTiled(file) ? TIFFNumberOfTiles(file) : TIFFNumberOfStrips(file);
  uint64_t total = 0;
  for (uint32_t part = 0; part < parts; part++) {
    uint64_t offset = TIFFGetStrileOffset(file, part), count = TIFFGetStrileByteCount(file, part);
    if (count > state->count || offset > state->count - count) {
      return fail(state, MAE_CODEC_TRUNCATED, "ends before the picture does");
    }
    total += count;
    if (total > state->count) {
      return fail(state, MAE_CODEC_CORRUPT, "parts of the picture overlap");
    }
    if (compression == COMPRESSION_JPEG && !has_one_scan(state->bytes + offset, count)) {
      return fail(state, MAE_CODEC_UNSUPPORTED, "JPEG that is not sequential");
    }
  }
  return 1;
}

// MARK: samples to pixels

// a × b / 255, rounded.
static inline unsigned product_of_unit(unsigned a, unsigned b) {
  unsigned t = a * b + 128;
  return (t + (t >> 8)) >> 8;
}

// Samples of any depth as bytes: of 16 bits as the range says, of fewer the number itself. `first` is
// the first sample's place in its pixel, of which `step` lie side by side.
static const uint8_t *bytes_of_samples(const tiff_state *state, const tiff_layout *layout,
                                       const uint8_t *row, int first, size_t step, size_t count) {
  int bits = layout->bits;
  uint8_t *bytes = state->samples;
  switch (bits) {
    case 8:
      return row;
    case 16:
      for (size_t i = 0; i < count; i++) {
        uint16_t sample;
        memcpy(&sample, row + 2 * i, 2);
        int is_color = first + (int)(i % step) < layout->colors;
        bytes[i] = is_color ? byte_of_sample(state->range, sample) : (uint8_t)(sample >> 8);
      }
      return bytes;
    default:
      for (size_t i = 0; i < count; i++) {
        size_t bit = i * (size_t)bits;
        bytes[i] = (uint8_t)(row[bit / 8] >> (8 - bits - (int)(bit % 8)) & ((1 << bits) - 1));
      }
      return bytes;
  }
}

// Adds one sample of each pixel to a row of the result. The samples of a pixel come in order, whether
// side by side or plane after plane: what needs all of them is finished by the last.
static void put_samples(const tiff_layout *layout, int sample, const uint8_t *in, size_t step,
                        size_t width, uint8_t *out) {
  size_t channels = (size_t)layout->channels;
  switch (layout->kind) {
    case GRAY:
      if (sample == 0) {
        // 255, 85, 17 or 1: the largest number becomes white.
        int scale = layout->bits < 8 ? 255 / ((1 << layout->bits) - 1) : 1;
        int flip = layout->is_inverted ? 255 : 0;
        for (size_t x = 0; x < width; x++) out[x] = (uint8_t)((in[x * step] * scale) ^ flip);
        return;
      }
      break;
    case PALETTE:
      for (size_t x = 0; x < width; x++) memcpy(out + 3 * x, layout->palette[in[x * step]], 3);
      return;
    case CMYK:
      if (sample == 3) {
        for (size_t x = 0; x < width; x++) {
          unsigned light = 255u - in[x * step];
          for (int c = 0; c < 3; c++) {
            uint8_t *value = out + 3 * x + c;
            *value = (uint8_t)(light - product_of_unit(*value, light));
          }
        }
        return;
      }
      break;
    default:
      break;
  }
  if (sample < (int)channels) {
    for (size_t x = 0; x < width; x++) out[channels * x + (size_t)sample] = in[x * step];
    return;
  }
  for (size_t x = 0; x < width; x++) {
    unsigned alpha = in[x * step];
    for (size_t c = 0; c < channels; c++) {
      uint8_t *value = out + channels * x + c;
      unsigned color = alpha ? *value * 255u / alpha : 0;
      *value = (uint8_t)(color < 255 ? color : 255);
    }
  }
}

// A row of samples as the file has it: all samples of each pixel, or those of the plane `plane`.
static void put_row(const tiff_state *state, const tiff_layout *layout, int plane,
                    const uint8_t *row, size_t width, uint8_t *out) {
  if (layout->is_planar) {
    const uint8_t *bytes = bytes_of_samples(state, layout, row, plane, 1, width);
    put_samples(layout, plane, bytes, 1, width, out);
    return;
  }
  size_t step = (size_t)layout->samples;
  const uint8_t *bytes = bytes_of_samples(state, layout, row, 0, step, width * step);
  for (int sample = 0; sample < layout->used; sample++) {
    put_samples(layout, sample, bytes + sample, step, width, out);
  }
}

// MARK: reading

// Takes memory for `encoded` bytes of the file's samples and a row of them as bytes.
static int take_memory(tiff_state *state, const tiff_layout *layout, uint64_t encoded,
                       uint64_t row_pixels, int64_t max_memory) {
  uint64_t samples = row_pixels * (uint64_t)layout->samples;
  if (encoded == 0 || encoded > (uint64_t)max_memory || samples > (uint64_t)max_memory) {
    return fail(state, MAE_CODEC_TOO_LARGE, "needs more memory to decode than is allowed");
  }
  state->encoded = malloc(encoded);
  state->samples = malloc(samples);
  if (!state->encoded || !state->samples) {
    return fail(state, MAE_CODEC_OUT_OF_MEMORY, "needs more memory than there is");
  }
  return 1;
}

// After a codec reported a failure, or only said so in words.
static int has_failed(tiff_state *state, int is_read) {
  if (!is_read) fail(state, MAE_CODEC_CORRUPT, "the picture cannot be decoded");
  return state->status != MAE_CODEC_OK;
}

static void read_strips(tiff_state *state, const tiff_layout *layout, int64_t max_memory,
                        uint8_t *pixels) {
  uint64_t line = TIFFScanlineSize64(state->file);
  uint64_t needed = ((uint64_t)layout->width * (uint64_t)layout->bits *
                         (uint64_t)(layout->is_planar ? 1 : layout->samples) + 7) / 8;
  if (line < needed) {
    fail(state, MAE_CODEC_UNSUPPORTED, "a pixel layout that is not understood");
    return;
  }
  if (!take_memory(state, layout, line, layout->width, max_memory)) return;
  size_t row_bytes = (size_t)layout->width * (size_t)layout->channels;
  for (int plane = 0; plane < (layout->is_planar ? layout->used : 1); plane++) {
    for (uint32_t y = 0; y < layout->height; y++) {
      int is_read = TIFFReadScanline(state->file, state->encoded, y, (uint16_t)plane) == 1;
      if (has_failed(state, is_read)) return;
      put_row(state, layout, plane, state->encoded, layout->width, pixels + y * row_bytes);
    }
  }
}

static void read_tiles(tiff_state *state, const tiff_layout *layout, int64_t max_memory,
                       uint8_t *pixels) {
  uint32_t width = 0, height = 0;
  TIFFGetField(state->file, TIFFTAG_TILEWIDTH, &width);
  TIFFGetField(state->file, TIFFTAG_TILELENGTH, &height);
  if (width == 0 || height == 0) {
    fail(state, MAE_CODEC_CORRUPT, "has tiles without a size");
    return;
  }
  // What tiles hold beyond the picture is decoded in vain: a little, or somebody means harm.
  uint64_t across = ((uint64_t)layout->width + width - 1) / width;
  uint64_t down = ((uint64_t)layout->height + height - 1) / height;
  uint64_t area = (uint64_t)layout->width * layout->height;
  if (width > 1u << 20 || height > 1u << 20 ||
      across * width * (down * height) > 4 * area + (1 << 22)) {
    fail(state, MAE_CODEC_TOO_LARGE, "has tiles of %ux%u pixels", width, height);
    return;
  }
  uint64_t size = TIFFTileSize64(state->file), line = TIFFTileRowSize64(state->file);
  uint64_t needed = ((uint64_t)width * (uint64_t)layout->bits *
                         (uint64_t)(layout->is_planar ? 1 : layout->samples) + 7) / 8;
  if (line < needed || size < line * height) {
    fail(state, MAE_CODEC_UNSUPPORTED, "a pixel layout that is not understood");
    return;
  }
  if (!take_memory(state, layout, size, width, max_memory)) return;
  size_t channels = (size_t)layout->channels, row_bytes = (size_t)layout->width * channels;
  for (int plane = 0; plane < (layout->is_planar ? layout->used : 1); plane++) {
    for (uint32_t top = 0; top < layout->height; top += height) {
      for (uint32_t left = 0; left < layout->width; left += width) {
        tmsize_t got = TIFFReadTile(state->file, state->encoded, left, top, 0, (uint16_t)plane);
        if (has_failed(state, got == (tmsize_t)size)) return;
        uint32_t columns = layout->width - left < width ? layout->width - left : width;
        uint32_t rows = layout->height - top < height ? layout->height - top : height;
        for (uint32_t y = 0; y < rows; y++) {
          put_row(state, layout, plane, state->encoded + y * line, columns,
                  pixels + (top + y) * row_bytes + left * channels);
        }
      }
    }
  }
}

mae_codec_status mae_tiff_decode(const uint8_t *bytes, size_t count, uint32_t width,
                                 uint32_t height, int32_t channels, mae_sample_range *range,
                                 int64_t max_memory, uint8_t *pixels, char *message) {
  tiff_state state = {.message = message, .bytes = bytes, .count = count, .range = range};
  tiff_layout layout = {.width = width, .height = height, .channels = channels};
  message[0] = 0;
  state.file = open_file(&state, max_memory);
  if (!state.file) {
    close_file(&state);
    fail(&state, MAE_CODEC_CORRUPT, "its directory cannot be read");
    return state.status;
  }
  // What libtiff said of odd tags while it opened the file does not matter if the file is open.
  state.status = MAE_CODEC_OK;
  message[0] = 0;
  if (read_layout(&state, &layout) && are_parts_sound(&state)) {
    if (TIFFIsTiled(state.file)) {
      read_tiles(&state, &layout, max_memory, pixels);
    } else {
      read_strips(&state, &layout, max_memory, pixels);
    }
  }
  close_file(&state);
  free(state.encoded);
  free(state.samples);
  return state.status;
}
