/** Compares what phones have sent with what became of it. */
import type { PhoneReport, SentRequest } from './report.ts';

/** How often there is each contribution. Particles are known by their contents, events by their device and type. */
export type Counts = ReadonlyMap<string, number>;

export interface Sent {
  readonly all: Counts;
  /** What was answered with a success. */
  readonly acknowledged: Counts;
}

/** Numbers of contributions. */
export interface Tally {
  readonly sent: number;
  readonly acknowledged: number;
  readonly stored: number;
  /** Acknowledged, and not stored. */
  readonly lost: number;
  /** Stored more often than sent. */
  readonly doubled: number;
}

const particlePrefix = 'particle ';
export const particleKey = (content: unknown) => `${particlePrefix}${content}`;
export const eventKey = (device: unknown, type: unknown) => `event ${device} ${type}`;

const isAcknowledged = ({ status, answer }: SentRequest) => status === 200 && answer?.success === true;

/** The particles and events that the hook has sent, and events that its other requests are for the field. */
export function countSent(reports: readonly PhoneReport[]): Sent {
  const contributions = reports.flatMap(({ requests }) => {
    const device = requests.find(({ answer }) => answer?.connectionId)?.answer?.connectionId;
    return requests.flatMap((request) => {
      const key = findContribution(request, device);
      return key === undefined ? [] : [{ key, isAcknowledged: isAcknowledged(request) }];
    });
  });
  const keysOf = (some: typeof contributions) => some.map(({ key }) => key);
  return {
    all: count(keysOf(contributions)),
    acknowledged: count(keysOf(contributions.filter((contribution) => contribution.isAcknowledged))),
  };
}

function findContribution(request: SentRequest, device: unknown): string | undefined {
  const { procedure, input } = request;
  if (procedure === 'field.update') return particleKey(input.memoryContent);
  const type = procedure === 'sync.event' ? input.type : findImpliedEvent(request);
  return type === undefined ? undefined : eventKey(device, type);
}

/** docs/migrating.md lists them. */
function findImpliedEvent(request: SentRequest): string | undefined {
  if (!isAcknowledged(request)) return undefined;
  const { procedure, answer = {} } = request;
  if (procedure === 'room64.enter') return 'portal';
  if (procedure === 'room64.exitVoid') return 'void';
  if (procedure === 'room64.breathe') return Number(answer.breathingCoherence) >= 0.8 ? 'harmony' : undefined;
  const { artifacts } = answer;
  return Array.isArray(artifacts) && artifacts.length === 3 ? 'memory' : undefined;
}

export function count(keys: readonly string[]): Counts {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

export function tally({ all, acknowledged }: Sent, stored: Counts): Tally {
  return {
    sent: sum(all),
    acknowledged: sum(acknowledged),
    stored: sum(stored),
    lost: sum(subtract(acknowledged, stored)),
    doubled: sum(subtract(stored, all)),
  };
}

/** What there is more of in the first. */
export function subtract(counts: Counts, others: Counts): Counts {
  return new Map(
    [...counts]
      .map(([key, number]) => [key, number - (others.get(key) ?? 0)] as const)
      .filter(([, number]) => number > 0),
  );
}

const sum = (counts: Counts) => [...counts.values()].reduce((total, number) => total + number, 0);

export const particlesOf = (counts: Counts): Counts =>
  new Map([...counts].filter(([key]) => key.startsWith(particlePrefix)));

/** The requests of all phones, by what was answered: `field.update 200 true`. */
export function countAnswers(reports: readonly PhoneReport[]): Counts {
  return count(
    reports.flatMap(({ requests }) =>
      requests.map(({ procedure, status, failure, answer }) =>
        `${procedure} ${status ?? failure} ${answer?.success ?? ''}`.trim(),
      ),
    ),
  );
}
