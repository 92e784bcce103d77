// WebP by libwebp.
#include <stdio.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include "CImageCodecs.h"

static mae_codec_status fail(char *message, mae_codec_status status, const char *text) {
  snprintf(message, MAE_CODEC_MESSAGE_BYTES, "%s", text);
  return status;
}

static mae_codec_status fail_as(char *message, VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return fail(message, MAE_CODEC_TRUNCATED, "ends before the picture does");
    case VP8_STATUS_OUT_OF_MEMORY:
      return fail(message, MAE_CODEC_OUT_OF_MEMORY, "needs more memory than there is");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return fail(message, MAE_CODEC_UNSUPPORTED, "uses a feature that the decoder lacks");
    default:
      return fail(message, MAE_CODEC_CORRUPT, "the picture cannot be decoded");
  }
}

// Whether the file is as long as its first chunk says: what is lost at the end may be no more than
// metadata, but it is lost.
static int is_whole(const uint8_t *bytes, size_t count) {
  if (count < 12) return 0;
  uint64_t declared = (uint64_t)bytes[4] | (uint64_t)bytes[5] << 8 | (uint64_t)bytes[6] << 16 |
                      (uint64_t)bytes[7] << 24;
  return declared + 8 <= count;
}

mae_codec_status mae_webp_read_header(const uint8_t *bytes, size_t count,
                                      mae_webp_header *header, char *message) {
  message[0] = 0;
  if (!is_whole(bytes, count)) return fail_as(message, VP8_STATUS_NOT_ENOUGH_DATA);
  WebPBitstreamFeatures features;
  VP8StatusCode code = WebPGetFeatures(bytes, count, &features);
  if (code != VP8_STATUS_OK) return fail_as(message, code);
  header->width = (uint32_t)features.width;
  header->height = (uint32_t)features.height;
  return MAE_CODEC_OK;
}

// Decodes one picture to RGB (3 channels) or RGB and alpha (4), its first pixel at `pixels` and its
// rows `stride` bytes apart.
static mae_codec_status decode_picture(const uint8_t *bytes, size_t count, int width, int height,
                                       int64_t max_memory, int channels, uint8_t *pixels,
                                       size_t stride, char *message) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) {
    return fail(message, MAE_CODEC_UNSUPPORTED, "libwebp is of another version than its headers");
  }
  VP8StatusCode code = WebPGetFeatures(bytes, count, &config.input);
  if (code != VP8_STATUS_OK) return fail_as(message, code);
  if (config.input.width != width || config.input.height != height) {
    return fail(message, MAE_CODEC_CORRUPT, "declares two different sizes");
  }
  // A lossless picture is unpacked whole before it is converted.
  int is_lossless = config.input.format == 2;
  if (is_lossless && (int64_t)width * height * 4 > max_memory) {
    return fail(message, MAE_CODEC_TOO_LARGE, "needs more memory to decode than is allowed");
  }
  config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels;
  config.output.u.RGBA.stride = (int)stride;
  config.output.u.RGBA.size = stride * (size_t)(height - 1) + (size_t)channels * (size_t)width;
  code = WebPDecode(bytes, count, &config);
  WebPFreeDecBuffer(&config.output);
  return code == VP8_STATUS_OK ? MAE_CODEC_OK : fail_as(message, code);
}

// The first frame of an animation on a black canvas.
static mae_codec_status decode_frame(const uint8_t *bytes, size_t count, uint32_t width,
                                     uint32_t height, int64_t max_memory, uint8_t *pixels,
                                     char *message) {
  WebPData data = {.bytes = bytes, .size = count};
  WebPDemuxer *demuxer = WebPDemux(&data);
  if (!demuxer) return fail(message, MAE_CODEC_CORRUPT, "its frames cannot be told apart");
  WebPIterator frame;
  memset(&frame, 0, sizeof frame);
  mae_codec_status status;
  size_t stride = 3 * (size_t)width;
  if (WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH) != width ||
      WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT) != height) {
    status = fail(message, MAE_CODEC_CORRUPT, "declares two different sizes");
  } else if (!WebPDemuxGetFrame(demuxer, 1, &frame) || !frame.complete) {
    status = fail(message, MAE_CODEC_CORRUPT, "its first frame is missing");
  } else if (frame.x_offset < 0 || frame.y_offset < 0 || frame.width < 1 || frame.height < 1 ||
             (int64_t)frame.x_offset + frame.width > width ||
             (int64_t)frame.y_offset + frame.height > height) {
    status = fail(message, MAE_CODEC_CORRUPT, "its first frame lies outside the picture");
  } else {
    memset(pixels, 0, stride * height);
    uint8_t *first = pixels + stride * (size_t)frame.y_offset + 3 * (size_t)frame.x_offset;
    status = decode_picture(frame.fragment.bytes, frame.fragment.size, frame.width, frame.height,
                            max_memory, 3, first, stride, message);
  }
  WebPDemuxReleaseIterator(&frame);
  WebPDemuxDelete(demuxer);
  return status;
}

mae_codec_status mae_webp_decode(const uint8_t *bytes, size_t count, uint32_t width,
                                 uint32_t height, int64_t max_memory, uint8_t *pixels,
                                 char *message) {
  message[0] = 0;
  if (!is_whole(bytes, count)) return fail_as(message, VP8_STATUS_NOT_ENOUGH_DATA);
  WebPBitstreamFeatures features;
  VP8StatusCode code = WebPGetFeatures(bytes, count, &features);
  if (code != VP8_STATUS_OK) return fail_as(message, code);
  if (features.has_animation) {
    return decode_frame(bytes, count, width, height, max_memory, pixels, message);
  }
  return decode_picture(bytes, count, (int)width, (int)height, max_memory, 3, pixels,
                        3 * (size_t)width, message);
}

mae_codec_status mae_webp_decode_rgba(const uint8_t *bytes, size_t count, uint32_t width,
                                      uint32_t height, int64_t max_memory, uint8_t *pixels,
                                      char *message) {
  message[0] = 0;
  if (!is_whole(bytes, count)) return fail_as(message, VP8_STATUS_NOT_ENOUGH_DATA);
  WebPBitstreamFeatures features;
  VP8StatusCode code = WebPGetFeatures(bytes, count, &features);
  if (code != VP8_STATUS_OK) return fail_as(message, code);
  if (features.has_animation) {
    return fail(message, MAE_CODEC_UNSUPPORTED, "is an animation; expected one picture");
  }
  return decode_picture(bytes, count, (int)width, (int)height, max_memory, 4, pixels,
                        4 * (size_t)width, message);
}

mae_codec_status mae_webp_encode(const uint8_t *pixels, uint32_t width, uint32_t height,
                                 uint8_t **encoded, size_t *count, char *message) {
  *encoded = NULL;
  *count = WebPEncodeLosslessRGB(pixels, (int)width, (int)height, 3 * (int)width, encoded);
  if (*count) return MAE_CODEC_OK;
  return fail(message, MAE_CODEC_OUT_OF_MEMORY, "needs more memory than there is");
}

void mae_webp_free(uint8_t *encoded) { WebPFree(encoded); }
