/** Thousands of devices that send over their sockets and watch: how long that takes, what it costs, and that nothing is lost. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Table, Target } from '../bench.ts';
import { countApplied, seedFields, waitUntilApplied } from '../load/seed.ts';
import { format } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { createFields, openPhones, withPhones } from './open-phones.ts';
import type { LoggedUpdate, SendReport } from './phones.ts';

export interface BusySize {
  readonly fields: number;
  readonly devicesPerField: number;
  /** The interval between two updates of a device. */
  readonly everyMs: number;
  readonly warmUpMs: number;
  /** Measured after the warm-up. */
  readonly seconds: number;
}

export interface BusyCost extends SendReport {
  readonly size: BusySize;
  readonly sent: number;
  /** Updates by which the versions of the fields have grown. */
  readonly applied: number;
  /** Entries of the log that are updates of these devices. */
  readonly logged: number;
  /** In percent of a core, by process. */
  readonly cpuPercent: ReadonlyMap<string, number>;
}

const settleTimeoutMs = 60_000;
const loadGenerator = 'busy phones';

export function measureBusySockets(stack: BenchStack, size: BusySize): Promise<BusyCost> {
  const { devicesPerField, everyMs, warmUpMs, seconds } = size;
  const [url = ''] = stack.addresses;
  return withPhones(stack, loadGenerator, async (phones) => {
    const fields = createFields('busy', size.fields);
    await seedFields(stack, fields, devicesPerField);
    const versionsBefore = await countApplied(stack, fields);
    let devices: readonly DeviceId[] = [];
    const onDevices = (opened: readonly DeviceId[]) => {
      devices = opened;
    };
    await openPhones(phones, { url, fields, sockets: fields.length * devicesPerField, onDevices });
    await phones.call('send', { everyMs, warmUpMs });
    await delay(warmUpMs);
    const [cpuBefore, startedAt] = [stack.usage.readCpuMs(), performance.now()];
    await delay(1000 * seconds);
    const [cpuAfter, endedAt] = [stack.usage.readCpuMs(), performance.now()];
    await phones.call('stop', null);
    const sent = await phones.call('settle', { timeoutMs: settleTimeoutMs });
    // What has not been applied by then is counted as lost.
    await waitUntilApplied(stack, fields, versionsBefore + sent).catch(() => undefined);
    const applied = (await countApplied(stack, fields)) - versionsBefore;
    const logged = await readLogged(stack, fields, devices);
    const report = await phones.call('report', { logged, timeoutMs: settleTimeoutMs });
    const cpuPercent = new Map(
      [...cpuAfter].map(([name, ms]) => [name, (100 * (ms - (cpuBefore.get(name) ?? 0))) / (endedAt - startedAt)]),
    );
    return { ...report, size, sent, applied, logged: logged.length, cpuPercent };
  });
}

async function readLogged(
  { db }: BenchStack,
  fields: readonly FieldId[],
  devices: readonly DeviceId[],
): Promise<LoggedUpdate[]> {
  const indexes = new Map<string, number>(devices.map((device, index) => [device, index]));
  const { rows } = await db.query<{ device_id: string; counter: string; version: string }>(
    'SELECT device_id, counter, version FROM field_updates WHERE field_id = ANY($1) ORDER BY field_id, version',
    [fields],
  );
  return rows.flatMap(({ device_id, counter, version }) => {
    const phone = indexes.get(device_id);
    return phone === undefined ? [] : [{ phone, counter: Number(counter), version: Number(version) }];
  });
}

export function describeBusy({ size, receipts, arrivals, cpuPercent, ...cost }: BusyCost): Table[] {
  const { fields, devicesPerField, everyMs } = size;
  const sockets = fields * devicesPerField;
  const processes = [...cpuPercent].filter(([name]) => !name.startsWith('idle'));
  return [
    {
      title: `${format(sockets)} sockets in ${fields} fields that each send an update every ${everyMs / 1000} s, ${format((1000 * sockets) / everyMs)} updates/s in all`,
      columns: [
        'sent',
        'accepted',
        'applied',
        'ms until the receipt: p50',
        'p99',
        'ms until another device has it: p50',
        'p99',
      ],
      rows: [
        [
          format(cost.sent),
          format(cost.accepted),
          format(cost.applied),
          ...[...receipts, ...arrivals].map((value) => format(value, 1)),
        ],
      ],
      note: `Measured from when an update is due, for ${size.seconds} s, at each of the ${devicesPerField - 1} other devices of the field.`,
    },
    {
      title: `CPU meanwhile, in % of a core`,
      columns: processes.map(([name]) => name),
      rows: [processes.map(([, percent]) => format(percent))],
      note: `*${loadGenerator}* is the load generator, a single process: near 100 % it would be what is measured.`,
    },
  ];
}

export function createBusyTargets({ size, sent, accepted, refused, applied, logged, missing }: BusyCost): Target[] {
  const sockets = format(size.fields * size.devicesPerField);
  const createTarget = (what: string, value: number): Target => ({
    what: `${sockets} busy sockets: ${what}`,
    value,
    limit: null,
    ratio: null,
    target: '0',
    met: value === 0,
  });
  return [
    createTarget('updates that were refused or not answered', Math.max(refused, sent - accepted)),
    createTarget(
      'updates that were lost or applied twice',
      Math.max(Math.abs(sent - applied), Math.abs(sent - logged)),
    ),
    createTarget('arrivals at other devices that are missing', missing),
  ];
}
