/** Parses a line into an update and its device, validated by the schema of the contract. Exported logs have such lines, too. */
import secureJson from 'secure-json-parse';
import { deviceIdSchema } from '../../../shared/contract/ids.ts';
import { toInputErrors } from '../../../shared/contract/problem.ts';
import { createUpdateSchema } from '../../../shared/contract/update.ts';
import { findLineKind, type LogLineKind } from '../../../shared/exchange/log-lines.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import { reasonOf } from '../../errors/cli-error.ts';
import type { MapRecord } from './map-record.ts';
import type { Line, LineLocation } from './read-lines.ts';

export interface DeviceUpdate {
  readonly location: LineLocation;
  readonly device: DeviceId;
  readonly update: SentUpdate;
  /** The sender, if an exported log has it. */
  readonly user?: string;
  /** Its version in the log that it was exported from. */
  readonly exportedVersion?: number;
  /** The length of its line in characters, as an estimate of its memory. */
  readonly size: number;
}

/** A line of an exported log without an update, such as the header or the rest of an erased entry. */
interface SkippedLine {
  readonly location: LineLocation;
  readonly skipped: LogLineKind;
}

interface BadLine {
  readonly location: LineLocation;
  readonly problem: string;
}

type ParsedLine = DeviceUpdate | SkippedLine | BadLine;
export type ParseLine = (line: Line) => ParsedLine;

const maxShownErrors = 3;

interface LineParserOptions {
  readonly gridSize: number;
  /** The device of lines that do not name one. */
  readonly device: DeviceId | undefined;
  /** Converts a record with other names to an update. */
  readonly map: MapRecord | undefined;
}

export function createLineParser({ gridSize, device: defaultDevice, map }: LineParserOptions): ParseLine {
  const schema = createUpdateSchema(gridSize);
  return (line) => {
    const { location } = line;
    if ('problem' in line) return line;
    const parsed = 'value' in line ? line.value : parseObject(line.text);
    if (typeof parsed === 'string') return { location, problem: parsed };
    const size = 'value' in line ? line.size : line.text.length;
    if (map) return parseUpdate(location, size, map(parsed, location.line));
    const kind = findLineKind(parsed);
    if (kind === 'update') return { ...parseUpdate(location, size, unwrap(parsed)), ...originOf(parsed) };
    return kind ? { location, skipped: kind } : parseUpdate(location, size, parsed);
  };

  function parseUpdate(location: LineLocation, size: number, value: Record<string, unknown>): DeviceUpdate | BadLine {
    const { device: lineDevice = defaultDevice, ...rest } = value;
    if (lineDevice === undefined) return { location, problem: '/device is missing; --device sets it for such lines' };
    const device = deviceIdSchema.safeParse(lineDevice);
    if (!device.success) return { location, problem: describeErrors(toInputErrors(device.error, '/device')) };
    const update = schema.safeParse(rest);
    if (!update.success) return { location, problem: describeErrors(toInputErrors(update.error)) };
    return { location, device: device.data, update: update.data, size };
  }
}

/** Converts an entry of an exported log to a line with an update. */
function unwrap({ device, update }: Record<string, unknown>): Record<string, unknown> {
  return { ...(typeof update === 'object' ? update : {}), device };
}

function originOf({ user, version }: Record<string, unknown>): Pick<DeviceUpdate, 'user' | 'exportedVersion'> {
  return { ...(typeof user === 'string' ? { user } : {}), exportedVersion: Number(version) };
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
