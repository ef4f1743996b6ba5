/** `consciousness.sync`: events, writes to cells, and the global state. */
import { z } from 'zod';
import type { DeviceId } from '../../../shared/field/ids.ts';
import type { CellValue, EventType } from '../../../shared/field/update.ts';
import { eventInput, fieldDeltaInput, findOwnCounter } from '../inputs.ts';
import type { LegacyState } from '../legacy-state.ts';
import { createRouter, procedure } from '../trpc.ts';
import { readConflictsOf } from './conflicts.ts';
import type { ProcedureDeps } from './procedure-deps.ts';

/** Which property of an event's data is its intensity. */
const intensityNames: Readonly<Partial<Record<EventType, string>>> = {
  resonance: 'intensity',
  entanglement: 'strength',
  portal: 'stability',
};
const intensitySchema = z.number().transform((value) => Math.min(1, Math.max(0, value)));

export function createSyncRouter(deps: ProcedureDeps) {
  const { field, gridSize, devices, writer, states, presence, reader } = deps;
  return createRouter({
    event: procedure.input(eventInput).mutation(async ({ input, ctx: { address, request } }) => {
      const { nodeId, type, data } = input;
      const device = devices.identify(nodeId, address);
      presence.touch(field, device.id);
      const applied = await writer.emit(device, type, { intensity: findIntensity(type, data), request });
      const [state, activeNodes] = await Promise.all([states.read(applied?.version), presence.count(field)]);
      const { globalResonance, collectiveIntelligence, room64Active } = state;
      return {
        success: true as const,
        eventId: `event-${applied?.version ?? 'accepted'}`,
        globalState: { globalResonance, collectiveIntelligence, activeNodes, room64Active, ...countEvents(state) },
      };
    }),

    fieldDelta: procedure.input(fieldDeltaInput).mutation(async ({ input, ctx: { address, request } }) => {
      const { deviceId, delta } = input;
      const device = devices.identify(deviceId, address);
      presence.touch(field, device.id);
      const cells = toCells(delta.changes, gridSize);
      if (cells.length === 0) return { success: true as const, appliedChanges: 0, conflicts: [], globalClock: {} };
      const counter = findOwnCounter(delta.clock, deviceId);
      const change = { kind: 'cells.set' as const, cells };
      const timestamp = Math.floor(Math.max(...delta.changes.map(({ timestamp }) => timestamp)));
      const options = { device, change, timestamp, request };
      const applied = await (counter === undefined
        ? writer.write(options)
        : // The app numbers particles and cells together, and sends the same number for both.
          writer.writeNumbered({ ...options, series: `${device.id}:cells` as DeviceId, counter, fallback: change }));
      const conflicts = await readConflictsOf(applied, { reader, field });
      const lost = conflicts.filter(({ resolution }) => resolution === 'kept_local').length;
      const globalClock = counter === undefined ? {} : { [deviceId]: counter };
      return { success: true as const, appliedChanges: cells.length - lost, conflicts, globalClock };
    }),

    getGlobalState: procedure.query(async () => {
      const [state, activeNodes] = await Promise.all([states.read(), presence.count(field)]);
      const { globalResonance, collectiveIntelligence, totalParticles, crystallizedParticles, room64Active } = state;
      return {
        ...{
          globalResonance,
          collectiveIntelligence,
          activeNodes,
          totalParticles,
          crystallizedParticles,
          room64Active,
        },
        quantumFields: state.quantumFields.map(
          ({ id, strength, coherence, portalStability, sacredGeometry, archaeologicalLayers }) => ({
            ...{ id, strength, coherence, portalStability, sacredGeometry, archaeologicalLayers },
          }),
        ),
        recentEvents: [],
        ...countEvents(state),
        lastUpdate: state.lastUpdate,
      };
    }),
  });
}

/** The original counted events in memory. Here only the log has them, so the version stands in for the total. */
function countEvents({ version }: LegacyState) {
  return { totalEvents: version, sacredEventCount: 0, lastCollectiveBloom: 0 };
}

function findIntensity(type: EventType, data: unknown): number | undefined {
  const name = intensityNames[type];
  if (name === undefined || typeof data !== 'object' || data === null || !Object.hasOwn(data, name)) return undefined;
  return intensitySchema.safeParse((data as Readonly<Record<string, unknown>>)[name]).data;
}

interface CellChange extends CellValue {
  readonly timestamp: number;
}

/** Apps write anywhere, even between cells and outside the grid. Of several writes to one cell, the newest wins. */
function toCells(changes: readonly CellChange[], gridSize: number): CellValue[] {
  const cells = new Map<string, CellValue>();
  for (const change of [...changes].sort((a, b) => a.timestamp - b.timestamp)) {
    const [x, y] = [Math.floor(change.x), Math.floor(change.y)];
    if (x >= 0 && y >= 0 && x < gridSize && y < gridSize) cells.set(`${x},${y}`, { x, y, value: change.value });
  }
  return [...cells.values()];
}
