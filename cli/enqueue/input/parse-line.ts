/** Parses a line into an update and its device, validated by the schema of the contract. */
import secureJson from 'secure-json-parse';
import { deviceIdSchema } from '../../../shared/contract/ids.ts';
import { toInputErrors } from '../../../shared/contract/problem.ts';
import { createUpdateSchema } from '../../../shared/contract/update.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import { reasonOf } from '../../errors/cli-error.ts';
import type { Line, LineLocation } from './read-lines.ts';

export interface DeviceUpdate {
  readonly location: LineLocation;
  readonly device: DeviceId;
  readonly update: SentUpdate;
  /** Characters of its line, as an estimate of its memory. */
  readonly size: number;
}

interface BadLine {
  readonly location: LineLocation;
  readonly problem: string;
}

export type ParseLine = (line: Line) => DeviceUpdate | BadLine;

const maxShownErrors = 3;

interface LineParserOptions {
  readonly gridSize: number;
  /** The device of lines without one. */
  readonly device: DeviceId | undefined;
}

export function createLineParser({ gridSize, device: defaultDevice }: LineParserOptions): ParseLine {
  const schema = createUpdateSchema(gridSize);
  return (line) => {
    const { location } = line;
    if ('problem' in line) return line;
    const parsed = parseObject(line.text);
    if (typeof parsed === 'string') return { location, problem: parsed };
    const { device: lineDevice = defaultDevice, ...rest } = parsed;
    if (lineDevice === undefined) return { location, problem: '/device is missing; --device sets it for such lines' };
    const device = deviceIdSchema.safeParse(lineDevice);
    if (!device.success) return { location, problem: describeErrors(toInputErrors(device.error, '/device')) };
    const update = schema.safeParse(rest);
    if (!update.success) return { location, problem: describeErrors(toInputErrors(update.error)) };
    return { location, device: device.data, update: update.data, size: line.text.length };
  };
}

/** The object, or the reason why the text is not one. */
function parseObject(text: string): Record<string, unknown> | string {
  try {
    const value: unknown = secureJson.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : 'is not a JSON object';
  } catch (error) {
    return `is not JSON: ${reasonOf(error)}`;
  }
}

function describeErrors(errors: readonly { path: string; message: string }[]): string {
  const shown = errors.slice(0, maxShownErrors).map(({ path, message }) => `${path}: ${message}`);
  const hidden = errors.length - shown.length;
  return [...shown, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join('; ');
}
