/**
 * Converts records with other names to updates: `--map` is an update whose values are taken from the record. `"$a.b.0"` names a
 * value in it, `{"from":"$mag","min":0,"max":10}` a number that is scaled to 0 … 1.
 */
import { z } from 'zod';

type RecordMap = z.infer<typeof recordMapSchema>;
export type MapRecord = (record: Record<string, unknown>, line: number) => Record<string, unknown>;

const scaledSchema = z.strictObject({ from: z.string().startsWith('$'), min: z.number(), max: z.number() });

type Template = string | number | boolean | null | Template[] | { [name: string]: Template };
const templateSchema: z.ZodType<Template> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(templateSchema),
    z.record(z.string(), templateSchema),
  ]),
);
export const recordMapSchema = z.record(z.string(), templateSchema);

/** The counter is the line unless the map names one, so that sending the same file again gives the same counters. */
export function createRecordMap(map: RecordMap): MapRecord {
  return (record, line) => {
    const filled = fill(map, record) as Record<string, unknown>;
    const { kind = 'particle.put', counter = line, timestamp, device, ...rest } = filled;
    return {
      ...(toNumbers(rest) as Record<string, unknown>),
      kind,
      counter: toNumber(counter),
      timestamp: toTime(timestamp),
      ...(device === undefined ? {} : { device: String(device) }),
    };
  };
}

function fill(template: Template, record: Record<string, unknown>): unknown {
  if (typeof template === 'string') return template.startsWith('$') ? find(record, template.slice(1)) : template;
  if (Array.isArray(template)) return template.map((item) => fill(item, record));
  if (typeof template !== 'object' || template === null) return template;
  const scaled = scaledSchema.safeParse(template);
  if (scaled.success) {
    const { from, min, max } = scaled.data;
    const value = toNumber(find(record, from.slice(1)));
    return typeof value === 'number' ? Math.min(1, Math.max(0, (value - min) / (max - min))) : value;
  }
  const entries = Object.entries(template).map(([name, item]) => [name, fill(item, record)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** An empty text and null count as absent. */
function find(record: Record<string, unknown>, path: string): unknown {
  // A column may have dots in its name.
  if (Object.hasOwn(record, path)) return toValue(record[path]);
  let value: unknown = record;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return toValue(value);
}

function toValue(value: unknown): unknown {
  return value === '' || value === null ? undefined : value;
}

/** The properties of updates that are numbers. CSV has only text. */
const numeric = new Set(['x', 'y', 'z', 'value', 'resonance', 'intensity', 'seen']);
const textual = new Set(['id', 'content', 'type', 'connections']);

function toNumbers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toNumbers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (numeric.has(name)) return [name, toNumber(item)];
      if (textual.has(name)) return [name, typeof item === 'number' ? String(item) : item];
      return [name, toNumbers(item)];
    }),
  );
}

function toNumber(value: unknown): unknown {
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
}

/** Milliseconds since the epoch, or a date as ISO 8601. */
function toTime(value: unknown): unknown {
  const number = toNumber(value);
  if (typeof number !== 'string') return number;
  const time = Date.parse(number);
  return Number.isNaN(time) ? value : time;
}
