/** Arguments and options as the commands want them. Each parser throws what commander turns into wrong usage. */
import { InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { deviceIdSchema, fieldIdSchema } from '../../shared/contract/ids.ts';
import { fieldPatternSchema, type Scope, scopes } from '../../shared/contract/token.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';

const secondsPerUnit = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;
const maxSeconds = 36_500 * secondsPerUnit.d;

export function parseField(text: string): FieldId {
  return parseWithSchema(fieldIdSchema, text);
}

/** For `[field...]`: commander hands in what came before. */
export function collectFields(text: string, fields: readonly FieldId[] | undefined): FieldId[] {
  return [...(fields ?? []), parseField(text)];
}

export function parseDevice(text: string): DeviceId {
  return parseWithSchema(deviceIdSchema, text);
}

export function parsePatterns(text: string): string[] {
  return text
    .split(',')
    .map((pattern) => parseWithSchema(fieldPatternSchema, pattern.trim(), 'an id, a pattern such as team-*, or *'));
}

export function parseScopes(text: string): Scope[] {
  return text
    .trim()
    .split(/[\s,]+/)
    .map((given) => {
      const scope = scopes.find((known) => known === given);
      if (!scope) throw new InvalidArgumentError(`Scopes are ${scopes.join(', ')}.`);
      return scope;
    });
}

/** `90s`, `45m`, `12h`, `30d`, `2w` in seconds. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const seconds = Number(amount) * secondsPerUnit[(unit ?? 's') as keyof typeof secondsPerUnit];
  if (!(seconds >= 1 && seconds <= maxSeconds)) {
    throw new InvalidArgumentError('Say a number and a unit, such as 90s, 45m, 12h, 30d or 2w; at most 100 years.');
  }
  return seconds;
}

export function integerBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Say a whole number from ${min} to ${max}.`);
  };
}

/** The address of an API, without a slash at its end. */
export function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('Say an address that starts with http:// or https://.');
  }
  return text.replace(/\/+$/, '');
}

function parseWithSchema<T>(schema: z.ZodType<T, string>, text: string, rule?: string): T {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(rule ? `It must be ${rule}.` : `It ${parsed.error.issues[0]?.message}.`);
}
