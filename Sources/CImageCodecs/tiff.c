// TIFF by libtiff: the first picture of a file, or one of its pages, whose samples become 8-bit gray
// or RGB here.
#include <stdlib.h>
#include <string.h>

#include "CImageCodecs.h"
#include "samples.h"
#include "tiff_file.h"
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

static int read_palette(mae_tiff_file *state, tiff_layout *layout) {
  uint16_t *red, *green, *blue;
  if (!TIFFGetField(state->file, TIFFTAG_COLORMAP, &red, &green, &blue)) {
    return mae_tiff_fail(state, MAE_CODEC_CORRUPT, "has no palette");
  }
  for (int i = 0; i < 1 << layout->bits; i++) {
    layout->palette[i][0] = (uint8_t)(red[i] >> 8);
    layout->palette[i][1] = (uint8_t)(green[i] >> 8);
    layout->palette[i][2] = (uint8_t)(blue[i] >> 8);
  }
  return 1;
}

static const char sample_kinds[] = "numbers from 0 on of 1 to 8 or 16 bits";

static int read_layout(mae_tiff_file *state, tiff_layout *layout) {
  TIFF *file = state->file;
  uint32_t width = 0, height = 0;
  TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
  if (width != layout->width || height != layout->height) {
    return mae_tiff_fail(state, MAE_CODEC_CORRUPT, "declares two different sizes");
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
    return mae_tiff_fail(state, MAE_CODEC_CORRUPT, "does not say what its colours mean");
  }
  if (!mae_tiff_reads_compression(compression)) {
    return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "compression %d", compression);
  }
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) {
    const char *numbers = format == SAMPLEFORMAT_INT      ? "signed whole numbers"
                          : format == SAMPLEFORMAT_IEEEFP ? "floating-point numbers"
                                                          : "complex numbers";
    return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "its samples are %s of %d bits; expected %s", numbers,
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
        return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "YCbCr that is not JPEG");
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
        return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "inks other than CMYK");
      }
      layout->kind = CMYK;
      colors = 4;
      break;
    }
    default:
      return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "colour space %d", photometric);
  }
  int is_small = bits == 1 || bits == 2 || bits == 4;
  if (bits != 8 && !(bits == 16 && layout->kind != PALETTE) && !(is_small && colors == 1)) {
    return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "its samples have %d bits; expected %s", bits,
                sample_kinds);
  }
  if (samples < colors || samples > colors + MOST_EXTRA_SAMPLES) {
    return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "%d samples a pixel", samples);
  }
  if (layout->channels != (layout->kind == GRAY ? 1 : 3)) {
    return mae_tiff_fail(state, MAE_CODEC_CORRUPT, "declares two different kinds of colour");
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

// MARK: samples to pixels

// a × b / 255, rounded.
static inline unsigned product_of_unit(unsigned a, unsigned b) {
  unsigned t = a * b + 128;
  return (t + (t >> 8)) >> 8;
}

// Samples of any depth as bytes: of 16 bits as the range says, of fewer the number itself. `first` is
// the first sample's place in its pixel, of which `step` lie side by side.
static const uint8_t *bytes_of_samples(const mae_tiff_file *state, const tiff_layout *layout,
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
static void put_row(const mae_tiff_file *state, const tiff_layout *layout, int plane,
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

static void read_strips(mae_tiff_file *state, const tiff_layout *layout, int64_t max_memory,
                        uint8_t *pixels) {
  uint64_t line = TIFFScanlineSize64(state->file);
  uint64_t needed = ((uint64_t)layout->width * (uint64_t)layout->bits *
                         (uint64_t)(layout->is_planar ? 1 : layout->samples) + 7) / 8;
  if (line < needed) {
    mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "a pixel layout that is not understood");
    return;
  }
  if (!mae_tiff_take_memory(state, line, (uint64_t)layout->width * (uint64_t)layout->samples, max_memory)) return;
  size_t row_bytes = (size_t)layout->width * (size_t)layout->channels;
  for (int plane = 0; plane < (layout->is_planar ? layout->used : 1); plane++) {
    for (uint32_t y = 0; y < layout->height; y++) {
      int is_read = TIFFReadScanline(state->file, state->encoded, y, (uint16_t)plane) == 1;
      if (mae_tiff_has_failed(state, is_read)) return;
      put_row(state, layout, plane, state->encoded, layout->width, pixels + y * row_bytes);
    }
  }
}

static void read_tiles(mae_tiff_file *state, const tiff_layout *layout, int64_t max_memory,
                       uint8_t *pixels) {
  uint32_t width, height;
  if (!mae_tiff_tile_size(state, layout->width, layout->height, &width, &height)) return;
  uint64_t size = TIFFTileSize64(state->file), line = TIFFTileRowSize64(state->file);
  uint64_t needed = ((uint64_t)width * (uint64_t)layout->bits *
                         (uint64_t)(layout->is_planar ? 1 : layout->samples) + 7) / 8;
  if (line < needed || size < line * height) {
    mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "a pixel layout that is not understood");
    return;
  }
  if (!mae_tiff_take_memory(state, size, (uint64_t)width * (uint64_t)layout->samples, max_memory)) return;
  size_t channels = (size_t)layout->channels, row_bytes = (size_t)layout->width * channels;
  for (int plane = 0; plane < (layout->is_planar ? layout->used : 1); plane++) {
    for (uint32_t top = 0; top < layout->height; top += height) {
      for (uint32_t left = 0; left < layout->width; left += width) {
        tmsize_t got = TIFFReadTile(state->file, state->encoded, left, top, 0, (uint16_t)plane);
        if (mae_tiff_has_failed(state, got == (tmsize_t)size)) return;
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

mae_codec_status mae_tiff_decode(const uint8_t *bytes, size_t count, uint64_t directory,
                                 uint32_t width, uint32_t height, int32_t channels,
                                 mae_sample_range *range, int64_t max_memory, uint8_t *pixels,
                                 char *message) {
  mae_tiff_file state = {.message = message, .bytes = bytes, .count = count, .range = range};
  tiff_layout layout = {.width = width, .height = height, .channels = channels};
  if (mae_tiff_open(&state, directory, max_memory) && read_layout(&state, &layout) &&
      mae_tiff_parts_are_sound(&state)) {
    if (TIFFIsTiled(state.file)) {
      read_tiles(&state, &layout, max_memory, pixels);
    } else {
      read_strips(&state, &layout, max_memory, pixels);
    }
  }
  mae_tiff_close(&state);
  return state.status;
}
