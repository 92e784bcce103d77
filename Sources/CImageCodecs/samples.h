// Samples of 16 bits as bytes.
#ifndef MAE_SAMPLES_H
#define MAE_SAMPLES_H

#include "CImageCodecs.h"

// One sample as a byte; what is found is noted.
static inline uint8_t byte_of_sample(mae_sample_range *range, uint32_t sample) {
  if (sample < range->smallest) range->smallest = sample;
  if (sample > range->largest) range->largest = sample;
  if (range->black == range->white) return (uint8_t)(sample >> 8);
  if (sample <= range->black) return 0;
  if (sample >= range->white) return 255;
  uint32_t span = range->white - range->black;
  return (uint8_t)(((sample - range->black) * 510 + span) / (2 * span));
}

#endif
