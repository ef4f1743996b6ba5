/** The parts of a delta message that the watchers of regions need. */
import type { StateFragments } from '../../../shared/cache/state-fragments.ts';
import type { DeltaUpdate } from '../../../shared/contract/messages.ts';
import type { Metrics } from '../../../shared/field/dynamics/field-metrics.ts';
import type { QuantumField } from '../../../shared/field/dynamics/quantum-field.ts';
import type { Point } from '../../../shared/field/math/region.ts';
import type { Conflict } from '../../../shared/field/registers/conflict-record.ts';

export interface ParsedDelta {
  readonly maxTimestamp: number;
  readonly changes: {
    readonly particles: Readonly<Record<string, { readonly position: Point } | null>>;
    readonly cells: Readonly<Record<string, number | null>>;
    readonly quantumFields?: readonly QuantumField[];
    readonly metrics: Metrics;
  };
  readonly updates: readonly DeltaUpdate[];
  readonly conflicts?: readonly Conflict[];
}

const known = new WeakMap<object, ParsedDelta>();

/** Parses a message once. @param message of a worker, or of this process */
export function parseDelta(message: { readonly text: Buffer }): ParsedDelta {
  const delta = known.get(message) ?? (JSON.parse(message.text.toString()) as ParsedDelta);
  known.set(message, delta);
  return delta;
}

/** What a state says of the whole field. */
export interface WholeFieldValues {
  readonly maxTimestamp: number;
  /** JSON. */
  readonly metrics: string;
  readonly quantumFields: string;
}

export function readWholeFieldValues({ header }: StateFragments): WholeFieldValues {
  const { maxTimestamp, metrics, quantumFields } = header;
  return { maxTimestamp, metrics: JSON.stringify(metrics), quantumFields: JSON.stringify(quantumFields) };
}

export function updateWholeFieldValues(
  before: WholeFieldValues,
  { maxTimestamp, changes }: ParsedDelta,
): WholeFieldValues {
  const { metrics, quantumFields } = changes;
  return {
    maxTimestamp,
    metrics: JSON.stringify(metrics),
    quantumFields: quantumFields ? JSON.stringify(quantumFields) : before.quantumFields,
  };
}
