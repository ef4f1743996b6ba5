/** Violations of the guarantees, as the checker reports them. */
export type ViolationKind =
  | 'lost'
  | 'duplicated'
  | 'invented'
  | 'altered'
  | 'gap'
  | 'hash'
  | 'replay'
  | 'registers'
  | 'conflicts'
  | 'cache'
  | 'reader'
  | 'watcher'
  | 'queue'
  | 'timeout'
  | 'leak'
  | 'anomaly';

export interface Violation {
  readonly kind: ViolationKind;
  readonly detail: string;
  /** The number of affected updates, or 1 if it cannot be counted. */
  readonly count: number;
}

export function violation(kind: ViolationKind, detail: string, count = 1): Violation {
  return { kind, detail, count };
}

/** One violation that lists the first five names, or none if there are no names. */
export function violationOf(kind: ViolationKind, what: string, names: readonly string[]): Violation[] {
  if (names.length === 0) return [];
  return [violation(kind, `${what}: ${names.slice(0, 5).join('; ')}${names.length > 5 ? '; …' : ''}`, names.length)];
}
