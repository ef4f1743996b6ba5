/**
 * Parsers of arguments and options. Each throws an InvalidArgumentError, which commander reports as wrong usage. Imports
 * no zod, which would take most of the time of `--help`.
 */
import { InvalidArgumentError } from 'commander';
import {
  type DeviceId,
  deviceIdRule,
  type FieldId,
  fieldIdRule,
  isDeviceId,
  isFieldId,
} from '../../shared/field/ids.ts';

const secondsPerUnit = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;
const maxSeconds = 36_500 * secondsPerUnit.d;

export function parseField(text: string): FieldId {
  if (isFieldId(text)) return text;
  throw new InvalidArgumentError(`It ${fieldIdRule}.`);
}

/** For `[field...]`. Commander passes the fields parsed so far. */
export function collectFields(text: string, fields: readonly FieldId[] | undefined): FieldId[] {
  return [...(fields ?? []), parseField(text)];
}

export function parseDevice(text: string): DeviceId {
  if (isDeviceId(text)) return text;
  throw new InvalidArgumentError(`It ${deviceIdRule}.`);
}

export const parseVersion = integerBetween(0, Number.MAX_SAFE_INTEGER);

/** `90s`, `45m`, `12h`, `30d`, `2w` in seconds. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const seconds = Number(amount) * secondsPerUnit[(unit ?? 's') as keyof typeof secondsPerUnit];
  if (!(seconds >= 1 && seconds <= maxSeconds)) {
    throw new InvalidArgumentError(
      'It must be a number and a unit, such as 90s, 45m, 12h, 30d or 2w; at most 100 years.',
    );
  }
  return seconds;
}

export function integerBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** The address of an API, without a trailing slash. */
export function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('It must be an address that starts with http:// or https://.');
  }
  return text.replace(/\/+$/, '');
}

export function parseUuid(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('It must be an id such as 7b1c2a4e-5f0d-4c1b-9a3e-2d6f8e0c1b2a.');
}

export function parseRunName(text: string): string {
  if (text.length >= 1 && text.length <= 200 && text.isWellFormed() && !text.includes('\u0000')) return text;
  throw new InvalidArgumentError('It must have 1 to 200 characters.');
}
