/** Text as it may be stored: PostgreSQL keeps no U+0000 in text or jsonb, and a lone surrogate is not text. */
import { z } from 'zod';

export function boundedText(min: number, max: number) {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((value) => !value.includes('\u0000'), 'contains the character U+0000, which cannot be stored')
    .refine((value) => value.isWellFormed(), 'contains a lone surrogate, which is not text');
}
