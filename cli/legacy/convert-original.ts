/**
 * Converts the data of the original system to the lines of an importable log without entries: a snapshot, the counters that
 * devices had used, and conflicts. Pure: the same rows give the same base, by which a repeated import is recognised.
 */
import { hash } from 'node:crypto';
import type { ImportLine } from '../../db/import/import-log.ts';
import { maxClockRows, type OriginalRows } from '../../db/import/read-original.ts';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import { type LogHeader, logFormat } from '../../shared/exchange/log-lines.ts';
import type { QuantumField } from '../../shared/field/dynamics/quantum-field.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import { encodeSnapshot, type FieldSnapshot } from '../../shared/field/snapshot.ts';
import { createFieldState } from '../../shared/field/state.ts';
import { canonicalJson } from '../../shared/history/canonical-json.ts';
import { hashGenesis } from '../../shared/history/entry-hash.ts';
import { convertParticles, describeIssue, toParticleRecords } from './convert-particles.ts';
import { ImportReport } from './import-report.ts';
import { clockRowSchema, createConflictRowSchema, quantumFieldSchema } from './original-schemas.ts';

/** The device of all imported data: the original did not store who had made a particle. No registered device has this id. */
export const importedDevice = 'legacy-import' as DeviceId;
const maxQuantumFields = 16;

interface ConversionOptions {
  readonly field: FieldId;
  readonly gridSize: number;
}

interface TimedOptions {
  /** In ms. All times are limited to it. */
  readonly latestTime: number;
  readonly report: ImportReport;
}

export interface ImportedBase {
  readonly header: LogHeader;
  readonly lines: readonly ImportLine[];
  readonly report: ImportReport;
}

export function convertOriginal(rows: OriginalRows, { field, gridSize }: ConversionOptions): ImportedBase {
  const report = new ImportReport();
  const { state, now } = rows;
  const lastUpdate = typeof state?.lastUpdate === 'number' && state.lastUpdate > 0 ? state.lastUpdate : 0;
  // A stored time, so that a later import of the same rows has the same result.
  const latestTime = lastUpdate > 0 ? Math.min(lastUpdate, now) : now;
  if (rows.stateRows > 1) {
    report.drop(
      'states',
      `not the row ${state?.id}, which is the only one that the original used`,
      undefined,
      rows.stateRows - 1,
    );
  }
  const particles = convertParticles(state?.memoryParticles ?? null, { latestTime, report });
  const quantumFields = convertQuantumFields(state?.quantumFields ?? null, report);
  const used = convertClocks(rows, { latestTime, report });
  const conflicts = convertConflicts(rows, { gridSize, latestTime, report });
  report.take('particles', particles.length);
  report.take('quantum fields', quantumFields.length);
  report.take('clocks', used.length);
  report.take('conflicts', conflicts.length);

  // Each conflict has its own version, because a version has at most one conflict of a cell, and so has each particle.
  const version = Math.max(1, conflicts.length, particles.length);
  const time = Math.min(lastUpdate, now);
  const empty = createFieldState(field);
  const { hash: _, ...snapshot }: FieldSnapshot = {
    ...encodeSnapshot(empty),
    ...{ version, time },
    particles: toParticleRecords(particles, { writer: importedDevice }),
    quantumFields: quantumFields.length > 0 ? quantumFields : empty.quantumFields,
    dynamics: {
      ...empty.dynamics,
      room64Active: state?.room64Active === true,
      maxTimestamp: particles.reduce((highest, { timestamp }) => Math.max(highest, timestamp), 0),
    },
  };
  const clocks = [
    ...used,
    ...(particles.length > 0
      ? [{ clock: importedDevice, heardAt: time, used: [[1, particles.length]] as [number, number][] }]
      : []),
  ];
  const content = canonicalJson([snapshot, clocks, conflicts]);
  const genesis = toUuid(hash('sha256', canonicalJson(['import of the original', field, content]), 'hex'));
  const baseHash = hash('sha256', canonicalJson([hashGenesis(field, genesis), content]), 'hex');
  const position = { version, hash: baseHash, oldest: version, oldestHash: baseHash };
  return {
    report,
    header: { format: logFormat, field, genesis, ...position, conflicts: conflicts.length },
    lines: [
      { kind: 'snapshot', snapshot },
      ...clocks.map((clock) => ({ kind: 'clock', clock }) as const),
      ...conflicts.map((conflict) => ({ kind: 'conflict', conflict }) as const),
      { kind: 'end', end: { end: version, hash: baseHash, entries: 0 } },
    ],
  };
}

function convertQuantumFields(value: unknown, report: ImportReport): QuantumField[] {
  if (value !== null && !Array.isArray(value)) report.drop('quantum fields', 'quantum_fields is no list');
  const fields = new Map<string, QuantumField>();
  for (const item of Array.isArray(value) ? value : []) {
    const { data, error } = quantumFieldSchema.safeParse(item);
    if (error) report.drop('quantum fields', describeIssue(error));
    else if (fields.has(data.id)) report.drop('quantum fields', 'has the id of another one', data.id);
    else if (fields.size === maxQuantumFields)
      report.drop('quantum fields', `above the limit of ${maxQuantumFields}`, data.id);
    else fields.set(data.id, data);
  }
  return [...fields.values()];
}

/** All counters up to the stored one count as used, so that a device which keeps its former id continues above it. */
function convertClocks({ clocks, clockRows }: OriginalRows, { latestTime, report }: TimedOptions) {
  const highest = new Map<string, { version: number; heardAt: number }>();
  for (const row of clocks) {
    const { data, error } = clockRowSchema.safeParse(row);
    if (error) {
      report.drop('clocks', describeIssue(error));
      continue;
    }
    const { deviceId, version, lastUpdate } = data;
    if (deviceId === importedDevice) report.drop('clocks', 'has the id that the import itself uses', deviceId);
    else if (version === 0) report.drop('clocks', 'counted nothing yet', deviceId);
    else {
      const known = highest.get(deviceId);
      if (known) report.change('clocks', 'in several rows, of which the highest counts', deviceId);
      highest.set(deviceId, {
        version: Math.max(version, known?.version ?? 0),
        heardAt: Math.max(Math.min(lastUpdate ?? 0, latestTime), known?.heardAt ?? 0),
      });
    }
  }
  if (clockRows > clocks.length)
    report.drop('clocks', `above the limit of ${maxClockRows}`, undefined, clockRows - clocks.length);
  return [...highest]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([device, { version, heardAt }]) => {
      return { clock: device as DeviceId, heardAt, used: [[1, version]] as [number, number][] };
    });
}

/** @returns the oldest first, numbered from version 1 */
function convertConflicts(
  { conflicts, conflictRows }: OriginalRows,
  { gridSize, latestTime, report }: TimedOptions & { readonly gridSize: number },
): Conflict[] {
  const schema = createConflictRowSchema(gridSize);
  const valid = conflicts.flatMap((row) => {
    const { data, error } = schema.safeParse(row);
    if (error) report.drop('conflicts', describeIssue(error));
    return data ? [data] : [];
  });
  const superfluous = valid.length - maxKeptConflicts + (conflictRows - conflicts.length);
  if (superfluous > 0) report.drop('conflicts', `older than the newest ${maxKeptConflicts}`, undefined, superfluous);
  return valid
    .slice(0, maxKeptConflicts)
    .reverse()
    .map(({ cell, localVersion, remoteVersion, resolution, createdAt }, index) => {
      const time = Math.min(createdAt, latestTime);
      const write = { device: importedDevice, counter: index + 1, timestamp: time };
      return {
        cell,
        local: { ...write, value: localVersion },
        remote: { ...write, value: remoteVersion },
        ...{ resolution, time, version: index + 1 },
      };
    });
}

/** A UUID of version 8, which is made of a hash. */
function toUuid(hex: string): string {
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
