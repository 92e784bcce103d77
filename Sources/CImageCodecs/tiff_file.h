// A TIFF file in memory, opened by libtiff: what pictures and rasters have in common.
#ifndef MAE_TIFF_FILE_H
#define MAE_TIFF_FILE_H

#include <tiffio.h>

#include "CImageCodecs.h"

// One that is being read. `bytes`, `count` and `message` are given.
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
} mae_tiff_file;

// Notes why a file cannot be read; the first reason stays. Returns 0.
int mae_tiff_fail(mae_tiff_file *state, mae_codec_status status, const char *format, ...);

// Opens the directory at a place of the file; 0 is the first one. `max_memory` bounds any one allocation.
int mae_tiff_open(mae_tiff_file *state, uint64_t directory, int64_t max_memory);
// Closes the file and frees what was taken, also after a failure.
void mae_tiff_close(mae_tiff_file *state);

// Whether strips or tiles may be packed in a way: only codecs whose memory is bounded.
int mae_tiff_reads_compression(uint16_t compression);
// Whether no strips or tiles share bytes, which would let a small file cost as much as it likes.
int mae_tiff_parts_are_sound(mae_tiff_file *state);
// Whether tiles hold little beyond the picture, and which size they have.
int mae_tiff_tile_size(mae_tiff_file *state, uint32_t columns, uint32_t rows, uint32_t *width,
                       uint32_t *height);
// Whether a codec reported a failure, or only said so in words.
int mae_tiff_has_failed(mae_tiff_file *state, int is_read);

// Takes `encoded` bytes for samples as the file has them and `samples` for those made of them.
int mae_tiff_take_memory(mae_tiff_file *state, uint64_t encoded, uint64_t samples,
                         int64_t max_memory);

#endif
