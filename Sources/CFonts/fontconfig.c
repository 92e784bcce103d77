// Opens fontconfig on first use: it is asked only for characters that the carried font lacks, and where it is not
// installed they are drawn as boxes. Only functions of its stable interface (libfontconfig.so.1) are used.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

#include "CFonts.h"

typedef struct pattern pattern;
typedef struct charset charset;

static pattern *(*p_pattern)(void);
static void (*p_end_pattern)(pattern *);
static charset *(*p_charset)(void);
static void (*p_end_charset)(charset *);
static int (*p_add_char)(charset *, uint32_t);
static int (*p_add_charset)(pattern *, const char *, const charset *);
static int (*p_add_string)(pattern *, const char *, const unsigned char *);
static int (*p_add_number)(pattern *, const char *, int);
static int (*p_add_bool)(pattern *, const char *, int);
static int (*p_substitute)(void *, pattern *, int);
static void (*p_defaults)(pattern *);
static pattern *(*p_match)(void *, pattern *, int *);
static int (*p_string)(const pattern *, const char *, int, unsigned char **);
static int (*p_number)(const pattern *, const char *, int, int *);

// Not looked for, found, missing.
static enum { UNKNOWN, FOUND, MISSING } state;

static void find(void) {
  static const char *const names[] = {
#ifdef __APPLE__
    "libfontconfig.1.dylib", "/opt/homebrew/lib/libfontconfig.1.dylib",
    "/usr/local/lib/libfontconfig.1.dylib",
#else
    "libfontconfig.so.1",
#endif
  };
  void *library = NULL;
  for (size_t i = 0; !library && i < sizeof names / sizeof *names; i++)
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  state = MISSING;
  if (!library) return;
  int missing = 0;
#define FIND(pointer, name) missing += !(*(void **)&pointer = dlsym(library, name))
  FIND(p_pattern, "FcPatternCreate");
  FIND(p_end_pattern, "FcPatternDestroy");
  FIND(p_charset, "FcCharSetCreate");
  FIND(p_end_charset, "FcCharSetDestroy");
  FIND(p_add_char, "FcCharSetAddChar");
  FIND(p_add_charset, "FcPatternAddCharSet");
  FIND(p_add_string, "FcPatternAddString");
  FIND(p_add_number, "FcPatternAddInteger");
  FIND(p_add_bool, "FcPatternAddBool");
  FIND(p_substitute, "FcConfigSubstitute");
  FIND(p_defaults, "FcDefaultSubstitute");
  FIND(p_match, "FcFontMatch");
  FIND(p_string, "FcPatternGetString");
  FIND(p_number, "FcPatternGetInteger");
#undef FIND
  if (!missing) state = FOUND;
}

int32_t mae_font_find(uint32_t scalar, int32_t is_semibold, char *path, size_t capacity,
                      int32_t *index) {
  if (state == UNKNOWN) find();
  if (state == MISSING) return 0;
  pattern *wanted = p_pattern();
  charset *characters = p_charset();
  pattern *match = NULL;
  int32_t found = 0;
  if (wanted && characters) {
    int outcome;
    p_add_char(characters, scalar);
    p_add_charset(wanted, "charset", characters);
    p_add_string(wanted, "family", (const unsigned char *)"sans-serif");
    p_add_bool(wanted, "scalable", 1);
    // Regular and demibold on fontconfig's scale.
    p_add_number(wanted, "weight", is_semibold ? 180 : 80);
    p_substitute(NULL, wanted, 0);
    p_defaults(wanted);
    match = p_match(NULL, wanted, &outcome);
  }
  unsigned char *file;
  int number;
  if (match && !p_string(match, "file", 0, &file)) {
    int length = snprintf(path, capacity, "%s", (const char *)file);
    found = length > 0 && (size_t)length < capacity;
    *index = p_number(match, "index", 0, &number) ? 0 : number;
  }
  if (match) p_end_pattern(match);
  if (characters) p_end_charset(characters);
  if (wanted) p_end_pattern(wanted);
  return found;
}
