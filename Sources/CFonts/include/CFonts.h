// Characters as pictures of coverage, by FreeType, of a font that the program carries and of fonts of the
// system, which fontconfig finds where it is installed.
//
// FreeType's objects are not safe to use by two threads at a time: callers take turns.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mae_font mae_font;

// One character's coverage, 0 to 255, rows of `width` bytes; valid until the font's next call.
typedef struct {
  // Pixels from the pen to the first column, and from the line that letters stand on up to the first row.
  int32_t left, top;
  int32_t width, rows;
  const uint8_t *coverage;
  // Pixels to the next character's pen.
  double advance;
} mae_font_glyph;

// The carried font; NULL without memory.
mae_font *mae_font_carried(int32_t is_semibold);

// A font of a file that has outlines; NULL where it has none or cannot be read.
mae_font *mae_font_open(const char *path, int32_t index);

// Whether the font has a picture of a character.
int32_t mae_font_has(mae_font *font, uint32_t scalar);

// Draws a character at a size in pixels of an em, moved right by so many quarters of a pixel. Returns whether it
// could be drawn.
int32_t mae_font_draw(mae_font *font, uint32_t scalar, int32_t size, int32_t quarters,
                      mae_font_glyph *glyph);

// Asks fontconfig, opened on first use, for a font with a character. Returns whether a file was found; it may be one
// without that character.
int32_t mae_font_find(uint32_t scalar, int32_t is_semibold, char *path, size_t capacity,
                      int32_t *index);

#ifdef __cplusplus
}
#endif
