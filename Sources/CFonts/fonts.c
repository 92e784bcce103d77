// Glyphs by FreeType.
#include "CFonts.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <stdlib.h>
#include <string.h>

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char regular[] = {
#embed "Fonts/FiguresSans-Regular.otf"
};
static const unsigned char semibold[] = {
#embed "Fonts/FiguresSans-SemiBold.otf"
};

struct mae_font {
  FT_Face face;
  int32_t size;
  // The last character's rows, without gaps between them.
  uint8_t *coverage;
  size_t capacity;
};

static FT_Library library;

static int has_library(void) { return library || FT_Init_FreeType(&library) == 0; }

static mae_font *wrapped(FT_Face face) {
  mae_font *font = calloc(1, sizeof *font);
  if (font) {
    font->face = face;
  } else {
    FT_Done_Face(face);
  }
  return font;
}

mae_font *mae_font_carried(int32_t is_semibold) {
  FT_Face face;
  const unsigned char *bytes = is_semibold ? semibold : regular;
  FT_Long count = is_semibold ? (FT_Long)sizeof semibold : (FT_Long)sizeof regular;
  if (!has_library() || FT_New_Memory_Face(library, bytes, count, 0, &face)) return NULL;
  return wrapped(face);
}

mae_font *mae_font_open(const char *path, int32_t index) {
  FT_Face face;
  if (!has_library() || FT_New_Face(library, path, index, &face)) return NULL;
  if (!FT_IS_SCALABLE(face)) {
    FT_Done_Face(face);
    return NULL;
  }
  return wrapped(face);
}

int32_t mae_font_has(mae_font *font, uint32_t scalar) {
  return FT_Get_Char_Index(font->face, scalar) != 0;
}

int32_t mae_font_draw(mae_font *font, uint32_t scalar, int32_t size, int32_t quarters,
                      mae_font_glyph *glyph) {
  if (font->size != size) {
    if (FT_Set_Pixel_Sizes(font->face, 0, (FT_UInt)size)) return 0;
    font->size = size;
  }
  FT_UInt index = FT_Get_Char_Index(font->face, scalar);
  // Light: rows are moved to whole pixels, columns and advances stay as they were drawn.
  if (!index || FT_Load_Glyph(font->face, index, FT_LOAD_TARGET_LIGHT | FT_LOAD_NO_BITMAP)) return 0;
  FT_GlyphSlot slot = font->face->glyph;
  if (slot->format != FT_GLYPH_FORMAT_OUTLINE) return 0;
  FT_Outline_Translate(&slot->outline, quarters * 16, 0);
  if (FT_Render_Glyph(slot, FT_RENDER_MODE_NORMAL)) return 0;
  const FT_Bitmap *bitmap = &slot->bitmap;
  size_t count = (size_t)bitmap->rows * bitmap->width;
  if (count > font->capacity) {
    uint8_t *larger = realloc(font->coverage, count);
    if (!larger) return 0;
    font->coverage = larger;
    font->capacity = count;
  }
  for (unsigned row = 0; row < bitmap->rows; row++) {
    memcpy(font->coverage + (size_t)row * bitmap->width,
           bitmap->buffer + (ptrdiff_t)row * bitmap->pitch, bitmap->width);
  }
  *glyph = (mae_font_glyph){
      .left = slot->bitmap_left,
      .top = slot->bitmap_top,
      .width = (int32_t)bitmap->width,
      .rows = (int32_t)bitmap->rows,
      .coverage = font->coverage,
      .advance = (double)slot->linearHoriAdvance / 65536,
  };
  return 1;
}
