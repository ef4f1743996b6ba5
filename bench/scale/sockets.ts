/** Many devices at once on one API and one worker: ten thousand that only watch, and five thousand that also send. */
import type { Bench } from '../bench.ts';
import { format } from '../measure/statistics.ts';
import { type BusySize, createBusyTargets, describeBusy, measureBusySockets } from './busy-sockets.ts';
import { createIdleTargets, describeIdle, type IdleSize, measureIdleSockets } from './idle-sockets.ts';
import { requireSockets } from './socket-count.ts';

const idleSize: IdleSize = { sockets: 10_000, fields: 100, seconds: 20, settleMs: 5000, requests: 300 };
const quickIdleSize: IdleSize = { sockets: 200, fields: 10, seconds: 1, settleMs: 200, requests: 30 };
const busySize: BusySize = { fields: 250, devicesPerField: 20, everyMs: 5000, warmUpMs: 5000, seconds: 30 };
const quickBusySize: BusySize = { fields: 5, devicesPerField: 20, everyMs: 1000, warmUpMs: 0, seconds: 2 };

export const sockets: Bench = {
  name: 'sockets',
  about: '10,000 sockets that only watch, and 5,000 that also send, on one API and one worker',
  async run({ stack, isQuick, printLine }) {
    const [idle, busy] = isQuick ? [quickIdleSize, quickBusySize] : [idleSize, busySize];
    requireSockets(Math.max(idle.sockets, busy.fields * busy.devicesPerField));
    const idleCost = await measureIdleSockets(stack, idle);
    printLine(
      `${format(idle.sockets)} idle sockets: ${format(idleCost.kbPerSocket, 1)} kB per socket, API ${format(idleCost.pingedPercent, 1)} % of a core`,
    );
    const busyCost = await measureBusySockets(stack, busy);
    printLine(
      `${format(busyCost.sent)} updates of busy sockets: p99 ${format(busyCost.receipts[1], 1)} ms until the receipt, ${format(busyCost.arrivals[1], 1)} ms until another device has it`,
    );
    if (busyCost.refusal !== undefined) printLine(`the first refusal: ${busyCost.refusal}`);
    return {
      tables: [...describeIdle(idleCost), ...describeBusy(busyCost)],
      targets: [...createIdleTargets(idleCost), ...createBusyTargets(busyCost)],
    };
  },
};
