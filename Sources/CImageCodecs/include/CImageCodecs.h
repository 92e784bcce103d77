// Decoders, the PNG encoder and the resampling kernels of `Imaging`.
//
// libjpeg-turbo and libpng report errors by longjmp; none leaves these functions. Each returns a
// `mae_codec_status` and, unless it is MAE_CODEC_OK, one line of text in `message`.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  MAE_CODEC_OK = 0,
  MAE_CODEC_CORRUPT = 1,
  MAE_CODEC_TRUNCATED = 2,
  MAE_CODEC_TOO_LARGE = 3,
  MAE_CODEC_UNSUPPORTED = 4,
  MAE_CODEC_OUT_OF_MEMORY = 5,
};
typedef int32_t mae_codec_status;

enum { MAE_CODEC_MESSAGE_BYTES = 256 };

// MARK: JPEG

// A decompressor that can be used for any number of pictures, one at a time, by one thread at a
// time.
typedef struct mae_jpeg mae_jpeg;

typedef struct {
  uint32_t width, height;
  // 1 for grayscale, 3 for anything that is decoded to RGB.
  int32_t channels;
} mae_jpeg_header;

typedef struct {
  // Side of the inverse DCT in eighths: 8 is the full size; 4, 2 and 1 are 1/2, 1/4 and 1/8.
  int32_t eighths;
  // The wanted rectangle in pixels of the scaled picture.
  uint32_t x, y, width, height;
  // Bytes from one row of the output to the next.
  size_t stride;
  // A file with more scans than this is refused.
  int32_t max_scans;
  // So is one whose scans together go through more blocks of 8 × 8 coefficients.
  int64_t max_blocks;
  // Bytes libjpeg may hold while decoding, the output not counted.
  int64_t max_memory;
} mae_jpeg_request;

// NULL without memory.
mae_jpeg *mae_jpeg_create(void);
void mae_jpeg_destroy(mae_jpeg *decoder);

// Reads up to the first scan. `bytes` must stay valid until `mae_jpeg_decode` returns.
mae_codec_status mae_jpeg_read_header(mae_jpeg *decoder, const uint8_t *bytes, size_t count,
                                      mae_jpeg_header *header, char *message);

// Pixels that a row may hold beside the wanted ones.
enum { MAE_JPEG_MARGIN = 40 };

// Decodes a rectangle into `pixels`, rows of interleaved bytes that begin `*skipped` bytes after each
// multiple of the stride; follows `mae_jpeg_read_header` on the same bytes. Where the stride has room for
// MAE_JPEG_MARGIN pixels more than are wanted, nothing is copied; otherwise `*skipped` is 0. Rows at odd
// addresses are made fastest.
mae_codec_status mae_jpeg_decode(mae_jpeg *decoder, const mae_jpeg_request *request,
                                 uint8_t *pixels, size_t *skipped, char *message);

// Encodes 8-bit gray (1 channel) or RGB (3 channels; chroma at half the resolution) with sides of at
// most 65,500. `*encoded` is to be freed by `mae_jpeg_free`.
mae_codec_status mae_jpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height,
                                 int32_t channels, int32_t quality, uint8_t **encoded,
                                 size_t *count, char *message);
void mae_jpeg_free(uint8_t *encoded);

// MARK: samples of 16 bits

// How samples of 16 bits become bytes, and which samples a picture has.
typedef struct {
  // The samples that become 0 and 255, those between in proportion and rounded, those beyond clamped;
  // where they are equal, the upper 8 bits are kept.
  uint32_t black, white;
  // The smallest and the largest sample of what was decoded, alpha left out. To be set to 65535 and 0
  // before; pictures of fewer bits leave them alone.
  uint32_t smallest, largest;
} mae_sample_range;

// MARK: PNG

// Decodes a picture whose IHDR says `width × height` into interleaved rows of `width × channels`
// bytes; `channels` is 1 for the gray colour types and 3 for the others, or 4 for RGB and alpha of
// any type. Otherwise alpha is dropped; 16 bits become 8 as `range` says (with alpha the upper
// 8, and `range` may be NULL), palettes and small bit depths are expanded.
mae_codec_status mae_png_decode(const uint8_t *bytes, size_t count, uint32_t width,
                                uint32_t height, int32_t channels, mae_sample_range *range,
                                uint8_t *pixels, char *message);

// Decodes the numbers that are stored in a palette or gray picture: places in the palette, gray levels
// of any depth as they are. 2 bytes a pixel in the machine's order of a picture of 16 bits, else 1.
mae_codec_status mae_png_decode_labels(const uint8_t *bytes, size_t count, uint32_t width,
                                       uint32_t height, void *labels, char *message);

// Encodes numbers of 8 or 16 bits (`depth`), as gray or, of 8 bits, as places in a palette of at most
// 256 `colors`, 3 bytes each.
mae_codec_status mae_png_encode_labels(const void *labels, uint32_t width, uint32_t height,
                                       int32_t depth, const uint8_t *palette, int32_t colors,
                                       int32_t compression, uint8_t **encoded, size_t *count,
                                       char *message);

// Encodes 8-bit gray (1 channel) or RGB (3 channels). `*encoded` is to be freed by
// `mae_png_free`.
mae_codec_status mae_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height,
                                int32_t channels, int32_t compression, uint8_t **encoded,
                                size_t *count, char *message);
void mae_png_free(uint8_t *encoded);

// MARK: WebP

typedef struct {
  uint32_t width, height;
} mae_webp_header;

// Reads the size of a whole file.
mae_codec_status mae_webp_read_header(const uint8_t *bytes, size_t count,
                                      mae_webp_header *header, char *message);

// Decodes a picture of `width × height` into interleaved rows of RGB. Alpha is dropped; of an
// animation the first frame is decoded, black around it. `max_memory` bounds what a lossless
// picture takes besides the output.
mae_codec_status mae_webp_decode(const uint8_t *bytes, size_t count, uint32_t width,
                                 uint32_t height, int64_t max_memory, uint8_t *pixels,
                                 char *message);
// The same as RGB and alpha, `width × 4` bytes a row; an animation is refused.
mae_codec_status mae_webp_decode_rgba(const uint8_t *bytes, size_t count, uint32_t width,
                                      uint32_t height, int64_t max_memory, uint8_t *pixels,
                                      char *message);

// Encodes RGB without loss, with sides of at most 16,383. `*encoded` is to be freed by `mae_webp_free`.
mae_codec_status mae_webp_encode(const uint8_t *pixels, uint32_t width, uint32_t height,
                                 uint8_t **encoded, size_t *count, char *message);
void mae_webp_free(uint8_t *encoded);

// MARK: TIFF

// Decodes the picture of the directory at a place of the file (0: the first), which says `width ×
// height`, into interleaved rows of `width × channels` bytes; `channels` is 1 for gray and 3 for palettes,
// RGB, CMYK and YCbCr. Strips and tiles, samples of up to 16 bits which become 8 as `range` says, no alpha:
// colours multiplied by it are divided by it. `max_memory` bounds any one allocation besides the output.
mae_codec_status mae_tiff_decode(const uint8_t *bytes, size_t count, uint64_t directory,
                                 uint32_t width, uint32_t height, int32_t channels,
                                 mae_sample_range *range, int64_t max_memory, uint8_t *pixels,
                                 char *message);

// MARK: rasters

// What a sample is stored as.
enum {
  MAE_SAMPLE_UINT8 = 0,
  MAE_SAMPLE_INT8 = 1,
  MAE_SAMPLE_UINT16 = 2,
  MAE_SAMPLE_INT16 = 3,
  MAE_SAMPLE_UINT32 = 4,
  MAE_SAMPLE_INT32 = 5,
  MAE_SAMPLE_FLOAT16 = 6,
  MAE_SAMPLE_FLOAT32 = 7,
  MAE_SAMPLE_FLOAT64 = 8,
};
typedef int32_t mae_sample_type;

// Bytes of a sample.
size_t mae_sample_size(mae_sample_type type);

// `count` samples, `step` bytes apart and at any address, as floats: exact but for whole numbers of 32
// bits and floats of 64, which are rounded. `swaps` where their bytes are in the other order than the
// machine's.
void mae_samples_to_floats(const void *in, mae_sample_type type, int32_t swaps, ptrdiff_t step,
                           size_t count, float *out);

// Which samples of one directory become which planes.
typedef struct {
  // Place of the directory in the file.
  uint64_t directory;
  uint32_t width, height;
  int32_t samples;
  mae_sample_type type;
  // The sample of each plane, `planes` of them; some may be the same.
  const int32_t *wanted;
  int32_t planes;
  // Bounds any one allocation besides the output.
  int64_t max_memory;
} mae_tiff_raster;

// Decodes chosen samples of a directory as they are stored, contiguous or planar, in strips or tiles.
// `out` [planes, height, width]
mae_codec_status mae_tiff_decode_raster(const uint8_t *bytes, size_t count,
                                        const mae_tiff_raster *raster, float *out, char *message);

// Decodes a PNG picture whose IHDR says `width × height` into interleaved samples of its own depth: 2
// bytes each in the machine's order of 16 bits, else 1. `channels` is 1 gray, 2 gray and alpha, 3 RGB or a
// palette, 4 RGB and alpha.
mae_codec_status mae_png_decode_samples(const uint8_t *bytes, size_t count, uint32_t width,
                                        uint32_t height, int32_t channels, void *samples,
                                        char *message);

// The windows of one axis, as in `mae_axis`; the weights of a window add up to 1.
typedef struct {
  int32_t outputs, taps;
  const int32_t *starts;
  const int32_t *counts;
  const float *weights;
} mae_float_axis;

// One plane of rows of `width` floats, resampled along columns first and rows second: `(x − mean) ×
// scale`. Weights of 0 are left out. `between` has room for `columns->outputs` floats of every row that is
// read, the first of which is `first_row`. `out` [rows->outputs, columns->outputs]
void mae_resample_plane(const float *in, size_t width, const mae_float_axis *columns,
                        const mae_float_axis *rows, int32_t first_row, int32_t last_row, float mean,
                        float scale, float *between, float *out);

// MARK: resampling

// All of it is whole-number arithmetic: the same bytes on every machine, vectorised or not.

// The windows of one axis: output `i` is the sum of `weights[i × taps + k] × in[starts[i] + k]` for
// `k < counts[i]`, divided by 2^bits, rounded and clamped. `taps` is a multiple of 8 and weights
// beyond `counts[i]` are 0; the weights of a window add up to 2^bits.
typedef struct {
  int32_t outputs, taps, bits;
  const int32_t *starts;
  const int32_t *counts;
  const int16_t *weights;
} mae_axis;

// Rows of pixels somewhere in memory.
typedef struct {
  const uint8_t *first;
  // Bytes from one row to the next.
  size_t stride;
  int32_t rows;
  // 1, 3 or 4 interleaved bytes a pixel; of 4 the last is nothing.
  int32_t channels;
  // Bytes that may be read from `first` on.
  size_t readable;
} mae_rows;

// Every row of `in` to one of `columns->outputs` pixels, `stride` bytes apart: 1 byte a pixel where
// `in` has one channel, else 4 of which the last is nothing.
void mae_resample_columns(const mae_rows *in, const mae_axis *columns, uint8_t *out,
                          size_t stride);
// The same without the processor's own instructions, for tests.
void mae_resample_columns_portable(const mae_rows *in, const mae_axis *columns, uint8_t *out,
                                   size_t stride);

// The weighted sum of `count` rows of `values` bytes, `stride` bytes apart; the weights add up to
// 2^bits.
void mae_blend_rows(const uint8_t *in, size_t stride, int32_t count, const int16_t *weights,
                    int32_t bits, size_t values, uint8_t *out);
void mae_blend_rows_portable(const uint8_t *in, size_t stride, int32_t count,
                             const int16_t *weights, int32_t bits, size_t values, uint8_t *out);

// Byte `c` of each of `width` pixels, `step` bytes apart, as `x × scale + offset`.
void mae_normalize(const uint8_t *in, size_t step, size_t width, float scale, float offset,
                   float *out);

// Byte `c` of each of `width` pixels, `step` bytes apart.
void mae_pick(const uint8_t *in, size_t step, size_t width, uint8_t *out);

// MARK: augmentation

// Pillow's arithmetic, to the byte. Pictures are rows of `width × channels` bytes without gaps; there
// are 1 or 3 channels.

// How often each value occurs in each channel. `counts` [channels, 256]
void mae_count_values(const uint8_t *in, size_t pixels, int32_t channels, uint32_t *counts);
// Every value through its channel's table. `tables` [channels, 256]
void mae_look_up(uint8_t *bytes, size_t pixels, int32_t channels, const uint8_t *tables);
// The sum of the pixels' lumas, each rounded.
uint64_t mae_luma_sum(const uint8_t *rgb, size_t pixels);
// Every pixel's luma in its three channels.
void mae_gray(const uint8_t *rgb, size_t pixels, uint8_t *out);
// The mean over 3 × 3 pixels in which the one in the middle counts five times; edges stay.
void mae_smooth(const uint8_t *in, int32_t width, int32_t height, int32_t channels, uint8_t *out);
// `base + factor × (bytes − base)`, clamped and cut to whole numbers.
void mae_mix(const uint8_t *base, size_t count, float factor, uint8_t *bytes);

// An affine map: the output's point (x, y) shows the input's (map[0] x + map[1] y + map[2],
// map[3] x + map[4] y + map[5]); centres of pixels lie at halves.
typedef struct {
  // The picture; one byte beyond its last is read.
  const uint8_t *in;
  int32_t width, height, channels;
  // Between pixels: a cubic (Keys' with a = −1) through four instead of a line through two.
  int32_t cubic;
  double map[6];
  // What is shown where the input has no pixel.
  uint8_t fill[3];
} mae_warp;

void mae_warp_rows(const mae_warp *warp, uint8_t *out);
// The same without the processor's own instructions, for tests.
void mae_warp_rows_portable(const mae_warp *warp, uint8_t *out);

#ifdef __cplusplus
}
#endif
