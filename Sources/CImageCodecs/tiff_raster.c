// TIFF by libtiff: samples of any number and type as they are stored.
#include <string.h>

#include "CImageCodecs.h"
#include "tiff_file.h"

typedef struct {
  const mae_tiff_raster *raster;
  size_t sample_bytes;
  int is_planar;
  float *out;
} raster_state;

static const char kinds[] = "numbers of 8, 16, 32 or 64 bits";

// Checks that the directory is the one that was asked for and can be read.
static int read_layout(mae_tiff_file *state, raster_state *layout) {
  const mae_tiff_raster *raster = layout->raster;
  TIFF *file = state->file;
  uint32_t width = 0, height = 0;
  TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
  uint16_t bits = 1, samples = 1, planar = PLANARCONFIG_CONTIG, compression = COMPRESSION_NONE;
  TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetFieldDefaulted(file, TIFFTAG_PLANARCONFIG, &planar);
  TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &compression);
  if (width != raster->width || height != raster->height || samples != raster->samples) {
    return mae_tiff_fail(state, MAE_CODEC_CORRUPT, "declares two different sizes");
  }
  if (bits != 8 * layout->sample_bytes) {
    return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "its samples have %d bits; expected %s",
                         bits, kinds);
  }
  if (!mae_tiff_reads_compression(compression)) {
    return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "compression %d", compression);
  }
  if (compression == COMPRESSION_JPEG) {
    if (bits != 8) return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "JPEG of %d bits", bits);
    // Libjpeg makes RGB of YCbCr; of other colours it leaves the samples alone.
    TIFFSetField(file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  } else {
    uint16_t photometric = PHOTOMETRIC_MINISBLACK, across = 1, down = 1;
    TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &photometric);
    if (photometric == PHOTOMETRIC_YCBCR) {
      TIFFGetFieldDefaulted(file, TIFFTAG_YCBCRSUBSAMPLING, &across, &down);
      if (across != 1 || down != 1) {
        return mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "YCbCr that is not JPEG");
      }
    }
  }
  layout->is_planar = planar == PLANARCONFIG_SEPARATE && samples > 1;
  return 1;
}

// Whether any plane shows a sample.
static int is_wanted(const mae_tiff_raster *raster, int32_t sample) {
  for (int32_t k = 0; k < raster->planes; k++) {
    if (raster->wanted[k] == sample) return 1;
  }
  return 0;
}

// Puts a part of a row into the planes that show its samples; of planar files `plane` is the only one.
static void put_row(const raster_state *layout, int32_t plane, const uint8_t *row, size_t columns,
                    size_t x, size_t y) {
  const mae_tiff_raster *raster = layout->raster;
  size_t bytes = layout->sample_bytes;
  size_t size = (size_t)raster->width * raster->height;
  for (int32_t k = 0; k < raster->planes; k++) {
    int32_t sample = raster->wanted[k];
    if (layout->is_planar && sample != plane) continue;
    const uint8_t *first = layout->is_planar ? row : row + (size_t)sample * bytes;
    size_t step = layout->is_planar ? bytes : bytes * (size_t)raster->samples;
    mae_samples_to_floats(first, raster->type, 0, (ptrdiff_t)step, columns,
                          layout->out + (size_t)k * size + y * raster->width + x);
  }
}

static void read_strips(mae_tiff_file *state, const raster_state *layout) {
  const mae_tiff_raster *raster = layout->raster;
  int32_t planes = layout->is_planar ? raster->samples : 1;
  uint64_t line = TIFFScanlineSize64(state->file);
  uint64_t needed = (uint64_t)raster->width * layout->sample_bytes *
                    (uint64_t)(layout->is_planar ? 1 : raster->samples);
  if (line < needed) {
    mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "a pixel layout that is not understood");
    return;
  }
  if (!mae_tiff_take_memory(state, line, 0, raster->max_memory)) return;
  for (int32_t plane = 0; plane < planes; plane++) {
    if (layout->is_planar && !is_wanted(raster, plane)) continue;
    for (uint32_t y = 0; y < raster->height; y++) {
      int is_read = TIFFReadScanline(state->file, state->encoded, y, (uint16_t)plane) == 1;
      if (mae_tiff_has_failed(state, is_read)) return;
      put_row(layout, plane, state->encoded, raster->width, 0, y);
    }
  }
}

static void read_tiles(mae_tiff_file *state, const raster_state *layout) {
  const mae_tiff_raster *raster = layout->raster;
  int32_t planes = layout->is_planar ? raster->samples : 1;
  uint32_t width, height;
  if (!mae_tiff_tile_size(state, raster->width, raster->height, &width, &height)) return;
  uint64_t size = TIFFTileSize64(state->file), line = TIFFTileRowSize64(state->file);
  uint64_t needed = (uint64_t)width * layout->sample_bytes *
                    (uint64_t)(layout->is_planar ? 1 : raster->samples);
  if (line < needed || size < line * height) {
    mae_tiff_fail(state, MAE_CODEC_UNSUPPORTED, "a pixel layout that is not understood");
    return;
  }
  if (!mae_tiff_take_memory(state, size, 0, raster->max_memory)) return;
  for (int32_t plane = 0; plane < planes; plane++) {
    if (layout->is_planar && !is_wanted(raster, plane)) continue;
    for (uint32_t top = 0; top < raster->height; top += height) {
      for (uint32_t left = 0; left < raster->width; left += width) {
        tmsize_t got = TIFFReadTile(state->file, state->encoded, left, top, 0, (uint16_t)plane);
        if (mae_tiff_has_failed(state, got == (tmsize_t)size)) return;
        uint32_t columns = raster->width - left < width ? raster->width - left : width;
        uint32_t rows = raster->height - top < height ? raster->height - top : height;
        for (uint32_t y = 0; y < rows; y++) {
          put_row(layout, plane, state->encoded + y * line, columns, left, top + y);
        }
      }
    }
  }
}

mae_codec_status mae_tiff_decode_raster(const uint8_t *bytes, size_t count,
                                        const mae_tiff_raster *raster, float *out, char *message) {
  mae_tiff_file state = {.message = message, .bytes = bytes, .count = count};
  raster_state layout = {
      .raster = raster, .sample_bytes = mae_sample_size(raster->type), .out = out};
  if (mae_tiff_open(&state, raster->directory, raster->max_memory) &&
      read_layout(&state, &layout) && mae_tiff_parts_are_sound(&state)) {
    if (TIFFIsTiled(state.file)) {
      read_tiles(&state, &layout);
    } else {
      read_strips(&state, &layout);
    }
  }
  mae_tiff_close(&state);
  return state.status;
}
