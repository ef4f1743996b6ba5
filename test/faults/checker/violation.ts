/** What the checker has to say: nothing, or what was broken and where. */
export type ViolationKind =
  | 'lost'
  | 'doubled'
  | 'invented'
  | 'altered'
  | 'gap'
  | 'replay'
  | 'registers'
  | 'conflicts'
  | 'cache'
  | 'reader'
  | 'watcher'
  | 'queue'
  | 'unsettled'
  | 'leak'
  | 'misbehaved';

export interface Violation {
  readonly kind: ViolationKind;
  readonly detail: string;
  /** How many updates, where that can be counted. */
  readonly count: number;
}

export function violation(kind: ViolationKind, detail: string, count = 1): Violation {
  return { kind, detail, count };
}

/** One violation for many of a kind, with the first few by name; none for none. */
export function violationOf(kind: ViolationKind, what: string, names: readonly string[]): Violation[] {
  if (names.length === 0) return [];
  return [violation(kind, `${what}: ${names.slice(0, 5).join('; ')}${names.length > 5 ? '; …' : ''}`, names.length)];
}
