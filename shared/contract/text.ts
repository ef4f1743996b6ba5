/** Text that can be stored: PostgreSQL rejects U+0000 in text and jsonb, and a lone surrogate has no UTF-8 encoding. */
import { z } from 'zod';

export function boundedText(min: number, max: number) {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((value) => !value.includes('\u0000'), 'contains the character U+0000, which cannot be stored')
    .refine((value) => value.isWellFormed(), 'contains a lone surrogate, which is not text');
}
