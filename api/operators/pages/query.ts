/** Reads the filters of operators' pages from query strings and forms. Everything is validated; an empty input counts as absent. */
import { z } from 'zod';
import { toInputErrors } from '../../../shared/contract/problem.ts';
import { boundedText } from '../../../shared/contract/text.ts';

/** A submitted filter, or what is wrong with it, and its texts for showing the form again. */
export interface ParsedQuery<Filter> {
  /** Undefined if something is wrong. */
  readonly filter: Filter | undefined;
  /** For example `device must be …`. */
  readonly errors: readonly string[];
  /** The texts of the inputs. */
  readonly values: Readonly<Record<string, string>>;
}

export function optional<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
}

/** Text to search for, trimmed, because pasted text often has spaces around it. */
export const searchedText = z.string().trim().pipe(boundedText(1, 200));

/** A number as text, from a form or a query string. */
export function integer(min: number, max: number) {
  return z.coerce.number<string | number>().int().min(min).max(max);
}

/** For links: the same query as JSON. */
export const formatShape = { format: optional(z.enum(['json'])) };

const windows = {
  '15m': ['15 minutes', 900_000],
  '1h': ['hour', 3_600_000],
  '6h': ['6 hours', 21_600_000],
  '1d': ['day', 86_400_000],
  '7d': ['7 days', 604_800_000],
  '30d': ['30 days', 2_592_000_000],
} as const;
type Window = keyof typeof windows;

export const windowChoices = Object.entries(windows).map(([value, [name]]) => [value, `last ${name}`] as const);

/** What `<input type="datetime-local">` sends, in UTC. */
const utcTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/, 'must be a time such as 2026-08-01T14:30')
  .transform((text) => Date.parse(`${text}Z`))
  .refine((time) => !Number.isNaN(time), 'is not a time');

export const timeShape = {
  within: optional(z.enum(Object.keys(windows) as [Window, ...Window[]])),
  from: optional(utcTime),
  to: optional(utcTime),
};

interface Times {
  readonly within?: Window | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** The latest start and the end, in ms since the epoch. */
export function toTimeRange({ within, from, to }: Times): { since?: number; until?: number } {
  const starts = [from, within && Date.now() - windows[within][1]].filter((start) => start !== undefined);
  return {
    ...(starts.length > 0 ? { since: Math.max(...starts) } : {}),
    ...(to === undefined ? {} : { until: to }),
  };
}

export function parseQuery<Schema extends z.ZodType>(schema: Schema, query: unknown): ParsedQuery<z.output<Schema>> {
  const texts = Object.entries(query ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
  );
  const values = Object.fromEntries(texts);
  const parsed = schema.safeParse(query ?? {});
  if (parsed.success) return { filter: parsed.data, errors: [], values };
  const errors = toInputErrors(parsed.error).map(({ path, message }) => `${path.replace(/^\//, '')}: ${message}`);
  return { filter: undefined, errors, values };
}

/** @returns a query string that begins with `?`, without undefined and empty values */
export function toQuery(values: Readonly<Record<string, string | number | undefined>>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && value !== '') params.set(name, `${value}`);
  return params.size === 0 ? '' : `?${params}`;
}
