/** Collects what was measured of each system, and makes tables, targets and plots of it. */
import type { Findings, Plot, Table, Target } from '../bench.ts';
import { format, median, round } from '../measure/statistics.ts';
import { type Pace, unwatchedPerSecond } from './devices.ts';
import type { Loss, PacedRound, TurnRound } from './measure.ts';
import { entryCount, type Join, type System } from './systems/system.ts';

export const queueName = 'BullMQ alone';
const queueAcknowledged = 'on disk in its Redis (fsync); nothing is stored, shown or merged';

/** The load generator is a single thread, whose garbage collection also uses another core. */
const busyPercent = 85;

/** What distinguishes the constant loads. */
type Load = Pick<Pace, 'perSecond' | 'devices'>;

export interface Measured {
  readonly paced: Load & Pick<PacedRound, 'seen' | 'cpuUs'> & Partial<PacedRound>;
  readonly turns: Pick<TurnRound, 'perSecond' | 'cpuUs'> & Partial<TurnRound>;
  readonly joinBefore: Join;
  readonly joinAfter: Join;
  readonly loss: Loss;
}

type All = { readonly [Kind in keyof Measured]: Measured[Kind][] };

export class Results {
  readonly #systems: readonly Pick<System, 'name' | 'acknowledged'>[];
  readonly #versions: Readonly<Record<string, string>>;
  readonly #all = new Map<string, All>();

  constructor(systems: readonly System[], versions: Readonly<Record<string, string>>) {
    this.#systems = [...systems, { name: queueName, acknowledged: queueAcknowledged }];
    this.#versions = versions;
    for (const { name } of this.#systems) {
      this.#all.set(name, { paced: [], turns: [], joinBefore: [], joinAfter: [], loss: [] });
    }
  }

  add<Kind extends keyof Measured>(name: string, kind: Kind, measured: Measured[Kind]): void {
    (this.#of(name)[kind] as Measured[Kind][]).push(measured);
  }

  describe(devices: number): Findings {
    const tables = [...this.#loads().map((load) => this.#paceTable(load)), this.#turnsTable(devices)];
    return {
      tables: [...tables, this.#joinTable(), this.#lossTable()],
      targets: this.#targets(devices),
      plots: this.#plots(),
    };
  }

  #of(name: string): All {
    const all = this.#all.get(name);
    if (!all) throw new RangeError(`there is no system ${name}`);
    return all;
  }

  /** The constant loads, in the order in which they were measured. */
  #loads(): Load[] {
    const loads = this.#of(queueName).paced;
    return loads.filter((load, index) => loads.findIndex((other) => isSame(load, other)) === index);
  }

  /** Those that differ in the rate alone. */
  #rates(): Load[] {
    const loads = this.#loads();
    return loads.filter(({ devices }) => devices === loads[0]?.devices);
  }

  /** The median of the rounds; undefined if it was not measured of this system. */
  #pace(name: string, load: Load, pick: (measured: Measured['paced']) => number | undefined): number | undefined {
    return medianOf(
      this.#of(name)
        .paced.filter((measured) => isSame(measured, load))
        .map(pick),
    );
  }

  #turns(name: string, pick: (measured: Measured['turns']) => number | undefined): number | undefined {
    return medianOf(this.#of(name).turns.map(pick));
  }

  #paceTable(load: Load): Table {
    return {
      title: `${format(load.perSecond)} updates per second of ${load.devices} devices: ms from the due time, and CPU`,
      columns: ['system', 'acknowledged p50', 'p99', 'seen p50', 'p99', 'CPU per update, µs', 'load, %'],
      rows: this.#systems.map(({ name }) => {
        const of = (pick: (measured: Measured['paced']) => number | undefined, digits = 0) =>
          show(this.#pace(name, load, pick), digits);
        const ms = (pick: (measured: Measured['paced']) => number | undefined) => of(pick, 1);
        return [
          name,
          ms(({ acknowledged }) => acknowledged?.[0]),
          ms(({ acknowledged }) => acknowledged?.[1]),
          ms(({ seen }) => seen[0]),
          ms(({ seen }) => seen[1]),
          of(({ cpuUs }) => cpuUs),
          showLoad(this.#pace(name, load, ({ loadPercent }) => loadPercent)),
        ];
      }),
      note:
        'Over WebSockets, the devices also receive what the others write; by POST, the devices are others that only write, each ' +
        `${unwatchedPerSecond} updates a second. Each device has entries of its own. *seen*: another device has the update; for BullMQ: ` +
        'a worker has the job. CPU is that of all processes of the system, without the load generator, which for BullMQ also adds ' +
        'the jobs. *load*: CPU of the load generator, in percent of a core. *(limit)*: it has no more, so that it and not the system is measured.',
    };
  }

  #turnsTable(devices: number): Table {
    return {
      title: `${devices} devices, each with one unacknowledged update at a time`,
      columns: ['system', 'updates per second', 'CPU per update, µs', 'load, %'],
      rows: this.#systems.map(({ name }) => [
        name,
        show(this.#turns(name, ({ perSecond }) => perSecond)),
        show(this.#turns(name, ({ cpuUs }) => cpuUs)),
        showLoad(this.#turns(name, ({ loadPercent }) => loadPercent)),
      ]),
      note:
        'The acknowledgement of Hocuspocus is its message SyncStatus, that of Colyseus the response to a request. BullMQ: jobs added and processed. *load*: CPU of the ' +
        'load generator, in percent of a core. *(limit)*: it has no more, so that it and not the system is measured.',
    };
  }

  #joinTable(): Table {
    const kilobytes = (join: Join | undefined) => show(join && join.bytes / 1000, 1);
    return {
      title: `Joining a document of ${format(entryCount)} entries`,
      columns: ['system', 'ms', 'kB', 'ms after the updates above', 'kB after them'],
      rows: this.#systems
        .filter(({ name }) => name !== queueName)
        .map(({ name }) => {
          const { joinBefore, joinAfter } = this.#of(name);
          const [before, after] = [joinBefore[0], joinAfter[0]];
          return [name, show(before?.ms, 1), kilobytes(before), show(after?.ms, 1), kilobytes(after)];
        }),
      note:
        'From connecting until the state is decoded; medians. WebSocket: a stream with `field.v2.deflate`. POST: `GET` of the ' +
        'state with gzip, on a connection that may be open already. Hocuspocus: a new Yjs document that asks for all. ' +
        'Colyseus: with a request for a seat, whose bytes are not counted.',
    };
  }

  #lossTable(): Table {
    const versions = Object.entries(this.#versions).map(([name, version]) => `${name} ${version}`);
    return {
      title: 'kill -9 of all processes at the last acknowledgement, then a restart',
      columns: ['system', 'an acknowledged update is', 'acknowledged', 'present', 'lost', 's until there'],
      rows: this.#systems.map(({ name, acknowledged }) => {
        const loss = this.#of(name).loss[0];
        const lost = loss && loss.acknowledged - loss.present;
        return [name, acknowledged, show(loss?.acknowledged), show(loss?.present), show(lost), show(loss?.seconds, 1)];
      }),
      note: `*s until there*: from the kill until what is left can be read. The kernel keeps running: this is not a power failure. Versions: ${versions.join(', ')}.`,
    };
  }

  #targets(devices: number): Target[] {
    const [ours = '', , inMemory = '', stored = ''] = this.#systems.map(({ name }) => name);
    // At higher rates, decoding the messages of Hocuspocus takes all of the load generator's core.
    const low = this.#rates()[0] ?? { perSecond: Number.NaN, devices: Number.NaN };
    const rate = format(low.perSecond);
    const p50 = (name: string) => this.#pace(name, low, ({ seen }) => seen[0]);
    const p99 = (name: string) => this.#pace(name, low, ({ seen }) => seen[1]);
    const cpu = (name: string) => this.#pace(name, low, ({ cpuUs }) => cpuUs);
    const perSecond = (name: string) => this.#turns(name, (measured) => measured.perSecond);
    const bytes = (name: string) => this.#of(name).joinAfter[0]?.bytes;
    const lost = (name: string) => {
      const loss = this.#of(name).loss[0];
      return loss && loss.acknowledged - loss.present;
    };
    return [
      createTarget(`p50 until seen at ${rate}/s, in ms, compared with ${queueName}`, p50(ours), p50(queueName), {
        target: '≤ 3 ms, and ≤ 2.5 × BullMQ alone',
        isMet: (value, ratio) => value <= 3 && ratio <= 2.5,
      }),
      createTarget(`p99 until seen at ${rate}/s, in ms, compared with ${queueName}`, p99(ours), p99(queueName), {
        target: '≤ 8 ms, and ≤ 2.5 × BullMQ alone',
        isMet: (value, ratio) => value <= 8 && ratio <= 2.5,
      }),
      createTarget(`CPU per update at ${rate}/s, in µs, compared with ${queueName}`, cpu(ours), cpu(queueName), {
        target: '≤ 1,200 µs',
        isMet: (value) => value <= 1200,
      }),
      createTarget(
        `updates/s of ${devices} devices, compared with ${queueName}`,
        perSecond(ours),
        perSecond(queueName),
        {
          target: '≥ 0.6 of BullMQ alone',
          isMet: (_, ratio) => ratio >= 0.6,
        },
      ),
      createTarget(`bytes to join after the updates, compared with ${inMemory}`, bytes(ours), bytes(inMemory), {
        target: '≤ 1 × Hocuspocus',
        isMet: (_, ratio) => ratio <= 1,
      }),
      createTarget(`acknowledged updates lost by kill -9, compared with ${stored}`, lost(ours), lost(stored), {
        target: '0',
        isMet: (value) => value === 0,
      }),
    ];
  }

  #plots(): Plot[] {
    const series = (pick: (measured: Measured['paced']) => number) =>
      this.#systems.map(({ name }) => ({
        name,
        points: this.#rates().map((load) => [load.perSecond, this.#pace(name, load, pick) ?? Number.NaN] as const),
      }));
    const x = 'updates per second';
    return [
      { file: 'rivals-latency.svg', title: 'p99 until seen', x, y: 'ms', series: series(({ seen }) => seen[1]) },
      { file: 'rivals-cost.svg', title: 'CPU per update', x, y: 'µs', series: series(({ cpuUs }) => cpuUs) },
    ];
  }
}

function isSame(load: Load, other: Load): boolean {
  return load.perSecond === other.perSecond && load.devices === other.devices;
}

function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}

function show(value: number | undefined, digits = 0): string {
  return value === undefined ? '–' : format(value, digits);
}

function showLoad(percent: number | undefined): string {
  return percent !== undefined && percent >= busyPercent ? `${show(percent)} (limit)` : show(percent);
}

interface Goal {
  readonly target: string;
  readonly isMet: (value: number, ratio: number) => boolean;
}

function createTarget(
  what: string,
  value: number | undefined,
  limit: number | undefined,
  { target, isMet }: Goal,
): Target {
  const [known, knownLimit] = [value ?? Number.NaN, limit ?? Number.NaN];
  const ratio = known / knownLimit;
  return {
    what,
    value: round(known, 1),
    limit: round(knownLimit, 1),
    ratio: Number.isFinite(ratio) ? round(ratio) : null,
    target,
    met: isMet(known, ratio),
  };
}
