// JPEG by libjpeg-turbo.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
// After jpeglib.h: it needs its types.
#include <jerror.h>

#include "CImageCodecs.h"

struct mae_jpeg {
  struct jpeg_decompress_struct info;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  jmp_buf failed;
  char *message;
  mae_codec_status status;
  int max_scans;
  // Whether the scans of a picture with several are being read.
  int has_scans;
  // Blocks of coefficients that the scans have gone through, and how many they may.
  int64_t blocks, max_blocks;
  uint8_t *row;
  size_t row_bytes;
};

static void fail(mae_jpeg *decoder, mae_codec_status status, const char *text) {
  decoder->status = status;
  snprintf(decoder->message, MAE_CODEC_MESSAGE_BYTES, "%s", text);
  longjmp(decoder->failed, 1);
}

// MARK: libjpeg's callbacks

static void on_error(j_common_ptr info) {
  mae_jpeg *decoder = info->client_data;
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  mae_codec_status status = MAE_CODEC_CORRUPT;
  switch (info->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
      status = MAE_CODEC_OUT_OF_MEMORY;
      break;
    case JERR_NO_BACKING_STORE:
      fail(decoder, MAE_CODEC_TOO_LARGE, "needs more memory to decode than is allowed");
      break;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_ARITH_NOTIMPL:
      status = MAE_CODEC_UNSUPPORTED;
      break;
    default:
      break;
  }
  fail(decoder, status, text);
}

// Warnings after which part of the picture is invented are errors; the others say nothing.
static void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_JPEG_EOF:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      on_error(info);
      break;
    default:
      break;
  }
}

static void on_output(j_common_ptr info) { (void)info; }

// Called before every row of blocks of every scan, and of pixels. A scan may cost few bytes and goes
// through all of the picture, so both the scans and what they go through are counted.
static void on_progress(j_common_ptr info) {
  mae_jpeg *decoder = info->client_data;
  struct jpeg_decompress_struct *picture = &decoder->info;
  if (picture->input_scan_number > decoder->max_scans) {
    char text[MAE_CODEC_MESSAGE_BYTES];
    snprintf(text, sizeof text, "has more than %d scans", decoder->max_scans);
    fail(decoder, MAE_CODEC_TOO_LARGE, text);
  }
  if (!decoder->has_scans) return;
  int64_t blocks = picture->blocks_in_MCU;
  if (picture->comps_in_scan == 1) blocks = picture->cur_comp_info[0]->v_samp_factor;
  decoder->blocks += blocks * picture->MCUs_per_row;
  if (decoder->blocks > decoder->max_blocks) {
    fail(decoder, MAE_CODEC_TOO_LARGE, "has too many scans for its size");
  }
}

static void on_source_start(j_decompress_ptr info) { (void)info; }

static boolean on_source_empty(j_decompress_ptr info) {
  fail(info->client_data, MAE_CODEC_TRUNCATED, "ends before the picture does");
  return FALSE;
}

static void on_source_skip(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if ((size_t)count > info->src->bytes_in_buffer) on_source_empty(info);
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= (size_t)count;
}

static void on_source_end(j_decompress_ptr info) { (void)info; }

// MARK: life

mae_jpeg *mae_jpeg_create(void) {
  mae_jpeg *decoder = calloc(1, sizeof *decoder);
  char message[MAE_CODEC_MESSAGE_BYTES];
  if (!decoder) return NULL;
  decoder->message = message;
  decoder->info.err = jpeg_std_error(&decoder->errors);
  decoder->errors.error_exit = on_error;
  decoder->errors.emit_message = on_message;
  decoder->errors.output_message = on_output;
  decoder->info.client_data = decoder;
  if (setjmp(decoder->failed)) {
    jpeg_destroy_decompress(&decoder->info);
    free(decoder);
    return NULL;
  }
  jpeg_create_decompress(&decoder->info);
  decoder->source.init_source = on_source_start;
  decoder->source.fill_input_buffer = on_source_empty;
  decoder->source.skip_input_data = on_source_skip;
  decoder->source.resync_to_restart = jpeg_resync_to_restart;
  decoder->source.term_source = on_source_end;
  decoder->info.src = &decoder->source;
  decoder->progress.progress_monitor = on_progress;
  decoder->info.progress = &decoder->progress;
  decoder->message = NULL;
  return decoder;
}

void mae_jpeg_destroy(mae_jpeg *decoder) {
  if (!decoder) return;
  jpeg_destroy_decompress(&decoder->info);
  free(decoder->row);
  free(decoder);
}

// MARK: header

// Whether an end-of-image marker follows the first scan's header. Without one the file was cut
// short, which reading a part of the picture might not notice.
static int has_end(const uint8_t *bytes, size_t count) {
  for (size_t i = count; i >= 2; i--) {
    if (bytes[i - 1] == JPEG_EOI && bytes[i - 2] == 0xFF) return 1;
  }
  return 0;
}

mae_codec_status mae_jpeg_read_header(mae_jpeg *decoder, const uint8_t *bytes, size_t count,
                                      mae_jpeg_header *header, char *message) {
  decoder->message = message;
  decoder->status = MAE_CODEC_OK;
  decoder->max_scans = 1 << 30;
  decoder->has_scans = 0;
  message[0] = 0;
  if (setjmp(decoder->failed)) {
    jpeg_abort_decompress(&decoder->info);
    return decoder->status;
  }
  jpeg_abort_decompress(&decoder->info);
  decoder->source.next_input_byte = bytes;
  decoder->source.bytes_in_buffer = count;
  jpeg_read_header(&decoder->info, TRUE);
  if (!has_end(decoder->source.next_input_byte, decoder->source.bytes_in_buffer)) {
    fail(decoder, MAE_CODEC_TRUNCATED, "ends before the picture does");
  }
  int components = decoder->info.num_components;
  if (components != 1 && components != 3 && components != 4) {
    char text[MAE_CODEC_MESSAGE_BYTES];
    snprintf(text, sizeof text, "has %d components", components);
    fail(decoder, MAE_CODEC_UNSUPPORTED, text);
  }
  header->width = decoder->info.image_width;
  header->height = decoder->info.image_height;
  header->channels = components == 1 ? 1 : 3;
  return MAE_CODEC_OK;
}

// MARK: pixels

// a × b / 255, rounded.
static inline unsigned product_of_unit(unsigned a, unsigned b) {
  unsigned t = a * b + 128;
  return (t + (t >> 8)) >> 8;
}

// CMYK in files is stored inverted (Adobe's convention): 255 is no ink.
static void rgb_from_cmyk(const uint8_t *cmyk, size_t count, uint8_t *rgb) {
  for (size_t i = 0; i < count; i++, cmyk += 4, rgb += 3) {
    unsigned light = cmyk[3];
    for (int c = 0; c < 3; c++) {
      rgb[c] = (uint8_t)(light - product_of_unit(255u - cmyk[c], light));
    }
  }
}

// libjpeg interpolates chroma between neighbours: a cut edge lacks its neighbour, so a margin is
// decoded beside the wanted columns.
enum { MARGIN = 4 };

mae_codec_status mae_jpeg_decode(mae_jpeg *decoder, const mae_jpeg_request *request,
                                 uint8_t *pixels, size_t *skipped, char *message) {
  struct jpeg_decompress_struct *info = &decoder->info;
  decoder->message = message;
  decoder->status = MAE_CODEC_OK;
  decoder->max_scans = request->max_scans;
  decoder->max_blocks = request->max_blocks;
  decoder->blocks = 0;
  message[0] = 0;
  if (setjmp(decoder->failed)) {
    jpeg_abort_decompress(info);
    return decoder->status;
  }
  decoder->has_scans = jpeg_has_multiple_scans(info);
  info->scale_num = (unsigned)request->eighths;
  info->scale_denom = 8;
  info->mem->max_memory_to_use = (long)request->max_memory;
  int four = info->num_components == 4;
  info->out_color_space = four ? JCS_CMYK : info->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(info);
  decoder->has_scans = 0;

  uint32_t right = request->x + request->width, bottom = request->y + request->height;
  if (right > info->output_width || bottom > info->output_height) {
    fail(decoder, MAE_CODEC_CORRUPT, "does not hold the rectangle asked for");
  }
  JDIMENSION left = request->x > MARGIN ? request->x - MARGIN : 0;
  JDIMENSION end = right + MARGIN < info->output_width ? right + MARGIN : info->output_width;
  JDIMENSION columns = end - left;
  if (columns < info->output_width) jpeg_crop_scanline(info, &left, &columns);

  size_t row_bytes = (size_t)info->output_width * (size_t)info->output_components;
  size_t channels = info->num_components == 1 ? 1 : 3;
  size_t first = (size_t)(request->x - left) * (size_t)info->output_components;
  if (request->y > 0) jpeg_skip_scanlines(info, request->y);
  // Rows with room for the columns beside the wanted ones are decoded to where they stay. libjpeg-turbo
  // writes aligned rows past the caches, and what is to be read next then comes from memory.
  if (!four && request->stride >= row_bytes) {
    *skipped = first;
    for (uint32_t y = 0; y < request->height;) {
      JSAMPROW rows[8];
      JDIMENSION count = 0;
      for (; count < 8 && y + count < request->height; count++) {
        rows[count] = pixels + (y + count) * request->stride;
      }
      JDIMENSION read = jpeg_read_scanlines(info, rows, count);
      if (read < 1) fail(decoder, MAE_CODEC_TRUNCATED, "ends before the picture does");
      y += read;
    }
    jpeg_abort_decompress(info);
    return MAE_CODEC_OK;
  }
  *skipped = 0;
  if (decoder->row_bytes < row_bytes) {
    free(decoder->row);
    decoder->row_bytes = 0;
    decoder->row = malloc(row_bytes + 1);
    if (!decoder->row) fail(decoder, MAE_CODEC_OUT_OF_MEMORY, "needs more memory than there is");
    decoder->row_bytes = row_bytes;
  }
  for (uint32_t y = 0; y < request->height; y++) {
    uint8_t *out = pixels + y * request->stride;
    // Off the alignment, as above.
    JSAMPROW into = decoder->row + 1;
    if (jpeg_read_scanlines(info, &into, 1) != 1) {
      fail(decoder, MAE_CODEC_TRUNCATED, "ends before the picture does");
    }
    if (four) {
      rgb_from_cmyk(into + first, request->width, out);
    } else {
      memcpy(out, into + first, request->width * channels);
    }
  }
  jpeg_abort_decompress(info);
  return MAE_CODEC_OK;
}
