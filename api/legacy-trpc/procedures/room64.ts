/** `consciousness.room64`: entering, breathing and leaving, and the event of the field that each of them causes. */
import { breatheInput, enterRoomInput, exitVoidInput } from '../inputs.ts';
import { addBreath, describeSession, type RoomSession } from '../room64-sessions.ts';
import { createRouter, procedure } from '../trpc.ts';
import type { ProcedureDeps } from './procedure-deps.ts';

/** Above the threshold at which a portal event opens the room, so that entering keeps it open. */
const entryIntensity = 0.9;
/** From here on, a breath is a harmony event. */
const harmoniousCoherence = 0.8;
const minWords = 3;
const noSession = { success: false as const, error: 'This device is not in room 64' };

export function createRoom64Router({ field, devices, writer, states, rooms, presence, clock }: ProcedureDeps) {
  const describe = (session: RoomSession) => describeSession(session, clock.now());
  return createRouter({
    enter: procedure.input(enterRoomInput).mutation(async ({ input, ctx: { address, request } }) => {
      const { nodeId, sacredPhrase } = input;
      const device = devices.identify(nodeId, address);
      presence.touch(field, device.id);
      const { room64Active, primary } = await states.read();
      const { portalStability } = primary;
      if (!room64Active) {
        return {
          success: false as const,
          error: 'Room 64 is closed: its portal is not stable enough',
          portalStability,
        };
      }
      if (sacredPhrase.trim().split(/\s+/).length < minWords) {
        return { success: false as const, error: 'The phrase was not recognised', hint: 'It has several words' };
      }
      const session: RoomSession = {
        id: `${device.id}:${Math.floor(clock.now())}`,
        enteredAt: clock.now(),
        isGeometrySacred: primary.sacredGeometry,
        coherences: [],
      };
      if (!(await rooms.open(device.id, session))) {
        const { currentState } = describe((await rooms.find(device.id)) ?? session);
        return { success: false as const, error: 'This device is in room 64 already', currentState };
      }
      await writer.emit(device, 'portal', { intensity: entryIntensity, request });
      return {
        success: true as const,
        sessionId: session.id,
        recognizedPhrase: { phrase: sacredPhrase, resonance: entryIntensity },
        portalStability,
        currentState: 'entering' as const,
        sacredGeometryActive: session.isGeometrySacred,
        message: 'This device is in room 64',
      };
    }),

    breathe: procedure.input(breatheInput).mutation(async ({ input, ctx: { address, request } }) => {
      const device = devices.identify(input.nodeId, address);
      presence.touch(field, device.id);
      const session = await rooms.find(device.id);
      if (!session) return noSession;
      const { coherence, ...breathed } = addBreath(session, input);
      await rooms.save(device.id, breathed);
      const applied = coherence >= harmoniousCoherence ? await writer.emit(device, 'harmony', { request }) : undefined;
      const { primary } = await states.read(applied?.version);
      const { timeInVoid, currentState, voidTransitions } = describe(breathed);
      return {
        success: true as const,
        breathingCoherence: coherence,
        portalStability: primary.portalStability,
        currentState,
        exitProbability: 1,
        totalCycles: breathed.coherences.length,
        voidTransitions,
        timeInVoid,
      };
    }),

    exitVoid: procedure.input(exitVoidInput).mutation(async ({ input, ctx: { address, request } }) => {
      const device = devices.identify(input.nodeId, address);
      presence.touch(field, device.id);
      const session = await rooms.find(device.id);
      // Of two concurrent requests only one ends the session, so only one causes the event.
      if (!session || !(await rooms.close(device.id))) return noSession;
      const applied = await writer.emit(device, 'void', { request });
      const { primary } = await states.read(applied?.version);
      const { timeInVoid, average, voidTransitions } = describe(session);
      return {
        success: true as const,
        message: 'This device has left room 64',
        insights: {
          timeInVoid,
          breathingCycles: session.coherences.length,
          avgCoherence: average,
          voidTransitions,
          maxPortalStability: primary.portalStability,
          sacredGeometryExperienced: session.isGeometrySacred,
        },
        consciousnessExpansion: Math.min(1, average),
      };
    }),
  });
}
