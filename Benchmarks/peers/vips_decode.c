// JPEG files to random resized crops of 224 as normalised floats with libvips, one thread, as `mae bench data`
// makes them.
//
//   cc -O2 Benchmarks/peers/vips_decode.c -o vips_decode $(pkg-config --cflags --libs vips) -lm
//   vips_decode FOLDER PASSES [full]      decodes all .jpg files of a folder PASSES times
//   vips_decode --one FILE [strict]       decodes one file whole, and says what came of it
//
// A crop goes through jpegload, which decodes at 1/2, 1/4 or 1/8 where that still has a pixel for each of the
// result's (`full`: never), extract_area, resize with the cubic kernel, and a loop to floats. libvips keeps no
// results, and its operations have one thread.
#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vips/vips.h>

enum { SIDE = 224 };

static double uniform(double low, double high) {
  return low + (high - low) * ((double)rand() / ((double)RAND_MAX + 1));
}

typedef struct {
  int x, y, width, height;
} rectangle;

// torchvision's RandomResizedCrop: area 0.2 to 1, proportions 3/4 to 4/3.
static rectangle draw(int width, int height) {
  for (int i = 0; i < 10; i++) {
    double area = (double)width * height * uniform(0.2, 1);
    double ratio = exp(uniform(log(0.75), log(4.0 / 3)));
    int w = (int)lround(sqrt(area * ratio)), h = (int)lround(sqrt(area / ratio));
    if (w >= 1 && h >= 1 && w <= width && h <= height) {
      return (rectangle){(int)uniform(0, width - w + 1), (int)uniform(0, height - h + 1), w, h};
    }
  }
  int side = width < height ? width : height;
  return (rectangle){(width - side) / 2, (height - side) / 2, side, side};
}

static int is_full = 0;

static int decode(const char *path, float *planes) {
  VipsImage *header = NULL, *image = NULL, *part = NULL, *small = NULL;
  int failed = 1;
  char *file = NULL;
  gsize length = 0;
  if (!g_file_get_contents(path, &file, &length, NULL)) goto done;
  if (vips_jpegload_buffer(file, length, &header, "access", VIPS_ACCESS_SEQUENTIAL, NULL)) goto done;
  rectangle crop = draw(header->Xsize, header->Ysize);
  int shrink = 1;
  while (!is_full && shrink < 8 && crop.width / (2 * shrink) >= SIDE &&
         crop.height / (2 * shrink) >= SIDE) {
    shrink *= 2;
  }
  if (shrink == 1) {
    image = header;
    header = NULL;
  } else if (vips_jpegload_buffer(file, length, &image, "shrink", shrink, "access",
                                  VIPS_ACCESS_SEQUENTIAL, NULL)) {
    goto done;
  }
  int x = crop.x / shrink, y = crop.y / shrink;
  int width = crop.width / shrink, height = crop.height / shrink;
  if (x + width > image->Xsize) x = image->Xsize - width;
  if (y + height > image->Ysize) y = image->Ysize - height;
  if (vips_extract_area(image, &part, x, y, width, height, NULL)) goto done;
  if (vips_resize(part, &small, (double)SIDE / width, "vscale", (double)SIDE / height, "kernel",
                  VIPS_KERNEL_CUBIC, NULL)) {
    goto done;
  }
  size_t count;
  uint8_t *pixels = vips_image_write_to_memory(small, &count);
  if (!pixels) goto done;
  if (count != 3 * SIDE * SIDE) {
    fprintf(stderr, "%s: %zu bytes\n", path, count);
    exit(1);
  }
  static const float mean[] = {0.485f, 0.456f, 0.406f}, deviation[] = {0.229f, 0.224f, 0.225f};
  int flip = rand() & 1;
  for (int c = 0; c < 3; c++) {
    float scale = 1 / (255 * deviation[c]), offset = -mean[c] / deviation[c];
    for (int v = 0; v < SIDE; v++) {
      for (int u = 0; u < SIDE; u++) {
        int from = flip ? SIDE - 1 - u : u;
        planes[(c * SIDE + v) * SIDE + u] = pixels[(v * SIDE + from) * 3 + c] * scale + offset;
      }
    }
  }
  g_free(pixels);
  failed = 0;
done:
  g_clear_object(&header);
  g_clear_object(&image);
  g_clear_object(&part);
  g_clear_object(&small);
  g_free(file);
  return failed;
}

static int decode_one(const char *path, int is_strict) {
  VipsImage *image = vips_image_new_from_file(
      path, "fail_on", is_strict ? VIPS_FAIL_ON_WARNING : VIPS_FAIL_ON_NONE, NULL);
  size_t count = 0;
  void *pixels = image ? vips_image_write_to_memory(image, &count) : NULL;
  if (pixels) {
    printf("decoded %dx%dx%d\n", image->Xsize, image->Ysize, image->Bands);
  } else {
    printf("refused\n");
  }
  g_free(pixels);
  g_clear_object(&image);
  return 0;
}

int main(int count, char **arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: vips_decode FOLDER PASSES [full] | --one FILE [strict]\n");
    return 64;
  }
  if (VIPS_INIT(arguments[0])) return 69;
  vips_concurrency_set(1);
  vips_cache_set_max(0);
  if (!strcmp(arguments[1], "--one")) return decode_one(arguments[2], count > 3);
  is_full = count > 3;
  DIR *folder = opendir(arguments[1]);
  if (!folder) return 66;
  char *paths[10000];
  int files = 0;
  for (struct dirent *entry; files < 10000 && (entry = readdir(folder));) {
    if (!strstr(entry->d_name, ".jpg")) continue;
    paths[files++] = g_strdup_printf("%s/%s", arguments[1], entry->d_name);
  }
  float *planes = malloc(3 * SIDE * SIDE * sizeof *planes);
  for (int pass = atoi(arguments[2]); pass > 0; pass--) {
    for (int i = 0; i < files; i++) {
      if (decode(paths[i], planes)) {
        fprintf(stderr, "%s: %s\n", paths[i], vips_error_buffer());
        return 1;
      }
    }
  }
  printf("%d files\n", files);
  return 0;
}
