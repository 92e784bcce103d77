// JPEG files by libjpeg-turbo.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "CImageCodecs.h"

typedef struct {
  struct jpeg_compress_struct info;
  struct jpeg_error_mgr errors;
  jmp_buf failed;
  char *message;
  unsigned char *encoded;
  unsigned long count;
} jpeg_encoder;

static void on_error(j_common_ptr info) {
  jpeg_encoder *encoder = info->client_data;
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  snprintf(encoder->message, MAE_CODEC_MESSAGE_BYTES, "%s", text);
  longjmp(encoder->failed, 1);
}

static void on_message(j_common_ptr info, int level) { (void)info, (void)level; }

static void on_output(j_common_ptr info) { (void)info; }

// Apart from the function with the setjmp, whose locals must not change after it.
static void write_picture(jpeg_encoder *encoder, const uint8_t *pixels, uint32_t width,
                          uint32_t height, int32_t channels, int32_t quality) {
  struct jpeg_compress_struct *info = &encoder->info;
  jpeg_create_compress(info);
  jpeg_mem_dest(info, &encoder->encoded, &encoder->count);
  info->image_width = width;
  info->image_height = height;
  info->input_components = channels;
  info->in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(info);
  jpeg_set_quality(info, quality, TRUE);
  jpeg_start_compress(info, TRUE);
  size_t row_bytes = (size_t)width * (size_t)channels;
  while (info->next_scanline < height) {
    JSAMPROW row = (JSAMPROW)(pixels + info->next_scanline * row_bytes);
    jpeg_write_scanlines(info, &row, 1);
  }
  jpeg_finish_compress(info);
}

mae_codec_status mae_jpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height,
                                 int32_t channels, int32_t quality, uint8_t **encoded,
                                 size_t *count, char *message) {
  *encoded = NULL;
  *count = 0;
  jpeg_encoder *encoder = calloc(1, sizeof *encoder);
  if (!encoder) return MAE_CODEC_OUT_OF_MEMORY;
  encoder->message = message;
  encoder->info.err = jpeg_std_error(&encoder->errors);
  encoder->errors.error_exit = on_error;
  encoder->errors.emit_message = on_message;
  encoder->errors.output_message = on_output;
  encoder->info.client_data = encoder;
  mae_codec_status status = MAE_CODEC_OK;
  if (setjmp(encoder->failed)) {
    free(encoder->encoded);
    status = MAE_CODEC_OUT_OF_MEMORY;
  } else {
    write_picture(encoder, pixels, width, height, channels, quality);
    *encoded = encoder->encoded;
    *count = encoder->count;
  }
  jpeg_destroy_compress(&encoder->info);
  free(encoder);
  return status;
}

void mae_jpeg_free(uint8_t *encoded) { free(encoded); }
