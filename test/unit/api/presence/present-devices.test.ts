import t from 'tap';
import { parseReport } from '../../../../api/presence/presence-report.ts';
import { PresentDevices } from '../../../../api/presence/present-devices.ts';
import { createShownDevice } from '../../../../api/presence/shown-device.ts';
import type { PresenceData } from '../../../../shared/contract/messages.ts';
import type { DeviceId } from '../../../../shared/field/ids.ts';

const showing = (device: string, data: PresenceData | undefined, at: number) =>
  createShownDevice({ device: device as DeviceId, data, at });

/** A process, and the messages that its reports are to others. */
function createProcess() {
  const counts = { changes: 0 };
  const devices = new PresentDevices({
    readTime: () => 1_700_000_000_000,
    onChange: () => {
      counts.changes += 1;
    },
    onPending: () => undefined,
  });
  let sequence = 0;
  return {
    devices,
    counts,
    shown: () => [...devices.devices()].map(({ json }) => JSON.parse(json)),
    report(now: number) {
      const { shown, heard, gone } = devices.takeReport(now);
      sequence += 1;
      const lines = [
        ...shown.map(({ json }) => `+${json}`),
        ...heard.map(({ id, agoMs }) => `=${agoMs} ${id}`),
        ...gone.map((id) => `-${id}`),
      ];
      const report = parseReport([`${sequence} 1`, ...lines].join('\n'));
      if (!report) throw new Error('the report cannot be parsed');
      return report;
    },
  };
}

t.test('what a device shows reaches another process, and so does its last socket closing', async (t) => {
  const [one, other] = [createProcess(), createProcess()];
  one.devices.open('a', showing('a', undefined, 1), 0);
  one.devices.show('a', showing('a', { name: 'Ada' }, 2), 0);
  other.devices.apply(one.report(0), 0);
  t.same(other.shown(), [{ device: 'a', data: { name: 'Ada' }, at: 2 }]);
  one.devices.open('a', showing('a', undefined, 3), 10);
  t.same(one.shown(), [{ device: 'a', data: { name: 'Ada' }, at: 2 }], 'a second socket shows the same');
  t.equal(one.devices.close('a'), false);
  t.equal(one.devices.activeNodes, 1);
  t.equal(one.devices.close('a'), true);
  other.devices.apply(one.report(20), 20);
  t.equal(other.devices.activeNodes, 0);
  t.ok(other.devices.isEmpty);
});

t.test('a device is gone 30 s after it was last heard, in its own process and in others', async (t) => {
  const [one, other] = [createProcess(), createProcess()];
  one.devices.open('a', showing('a', { name: 'Ada' }, 1), 0);
  other.devices.apply(one.report(0), 0);
  one.devices.hear('a', 14_000);
  one.devices.sweep(15_000);
  const report = one.report(15_000);
  t.same(report.heard, [{ id: 'a', agoMs: 1000 }]);
  other.devices.apply(report, 15_000);
  for (const { devices } of [one, other]) {
    devices.sweep(43_999);
    t.equal(devices.activeNodes, 1);
    devices.sweep(44_000);
    t.equal(devices.activeNodes, 0);
  }
  one.devices.hear('a', 50_000, showing('a', { name: 'Ada' }, 1));
  t.same(
    one.shown(),
    [{ device: 'a', data: { name: 'Ada' }, at: 1 }],
    'its socket is still open, and it is heard again',
  );
});

t.test('being heard is reported every ten seconds, and changes nothing that others see', async (t) => {
  const { devices, counts, report } = createProcess();
  devices.open('a', showing('a', undefined, 1), 0);
  report(0);
  const before = counts.changes;
  for (let now = 1000; now <= 60_000; now += 1000) {
    devices.hear('a', now);
    devices.sweep(now);
    const { heard, shown } = report(now);
    t.same([heard.length, shown.length], now % 10_000 === 0 ? [1, 0] : [0, 0], `after ${now} ms`);
  }
  t.equal(counts.changes, before);
});

t.test('a device that only sends requests is shown without data, and a socket adds its own', async (t) => {
  const [one, other] = [createProcess(), createProcess()];
  one.devices.hear('a', 0);
  t.same(one.shown(), [{ device: 'a', at: 1_700_000_000_000 }]);
  other.devices.open('a', showing('a', { x: 1 }, 5), 0);
  const shown = [{ device: 'a', data: { x: 1 }, at: 5 }];
  const [fromOne, fromOther] = [one.report(0), other.report(0)];
  one.devices.apply(fromOther, 0);
  other.devices.apply(fromOne, 0);
  t.same([one.shown(), other.shown()], [shown, shown]);
});

t.test('an older report does not replace a newer one', async (t) => {
  const { devices, shown } = createProcess();
  const report = (at: number, data: PresenceData) => ({
    sequence: at,
    count: 1,
    shown: [showing('a', data, at)],
    heard: [],
    gone: [],
  });
  devices.apply(report(2, { v: 2 }), 0);
  devices.apply(report(1, { v: 1 }), 0);
  t.match(shown(), [{ data: { v: 2 } }]);
});

t.test('reading everything removes who has left meanwhile, and reports own devices that are missing', async (t) => {
  const { devices, shown, report } = createProcess();
  devices.open('own', showing('own', { v: 1 }, 1), 0);
  report(0);
  const listed = (id: string) => ({ id, agoMs: 0 });
  devices.replace({ sequence: 4, count: 2, shown: [], heard: [listed('b'), listed('own')], gone: [] }, 0);
  t.equal(devices.reportUrgency, undefined);
  devices.replace({ sequence: 5, count: 1, shown: [showing('c', { v: 3 }, 3)], heard: [listed('c')], gone: [] }, 0);
  t.same(
    shown().map(({ device }) => device),
    ['own', 'c'],
  );
  t.same(
    report(0).shown.map(({ device }) => device),
    ['own'],
  );
});

t.test('a device that another process reports as gone is reported again while it has a socket here', async (t) => {
  const { devices, report } = createProcess();
  devices.open('a', showing('a', { v: 1 }, 1), 0);
  report(0);
  devices.apply({ sequence: 2, count: 0, shown: [], heard: [], gone: ['a'] }, 0);
  t.equal(devices.activeNodes, 1);
  t.equal(report(0).shown.length, 1);
});

t.test('viewers without a device are counted and not shown', async (t) => {
  const [one, other] = [createProcess(), createProcess()];
  one.devices.open('@user', undefined, 0);
  other.devices.apply(one.report(0), 0);
  t.same([one.devices.activeNodes, other.devices.activeNodes], [1, 1]);
  t.same([one.shown(), other.shown()], [[], []]);
});

t.test('beyond 10,000 devices, more are only counted', async (t) => {
  const { devices, report } = createProcess();
  for (let number = 0; number < 10_001; number += 1) devices.hear(`d-${number}`, 0);
  t.equal([...devices.devices()].length, 10_000);
  t.equal(report(0).heard.length, 10_001, 'all of them are reported');
  devices.apply({ sequence: 1, count: 12_345, shown: [], heard: [], gone: [] }, 0);
  t.equal(devices.activeNodes, 12_345);
});

t.test('lines of a report that are not as they should be are left out', async (t) => {
  const valid = '+{"device":"a","data":{"position":{"x":1,"y":2}},"at":1}';
  const lines = [
    '1 2',
    valid,
    '+{',
    '+{"device":"no spaces","at":1}',
    '+{"device":"b","at":1,"extra":true}',
    `+{"device":"c","at":1,"data":{"text":"${'x'.repeat(1024)}"}}`,
    `+{"device":"d","at":1,"data":{"text":"${'x'.repeat(10_000)}"}}`,
    '+{"device":"e","at":1,"data":{"position":{"x":"1","y":2}}}',
    '=12 a',
    '=-1 a',
    '=x a',
    '=1 no spaces',
    '-a',
    '?',
  ];
  const report = parseReport(lines.join('\n'));
  t.same(
    report?.shown.map(({ json }) => `+${json}`),
    [valid],
  );
  t.same(report?.heard, [{ id: 'a', agoMs: 12 }]);
  t.same(report?.gone, ['a']);
  for (const head of ['', '1', 'a b', '1.5 2']) t.equal(parseReport(`${head}\n${valid}`), undefined, head);
});
