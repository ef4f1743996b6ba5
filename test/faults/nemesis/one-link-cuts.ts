/** Cuts a single process off from a single server, while every other link works. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Fault, findLinkBetween, pickVictim, type ServerName, serverNames } from './fault-context.ts';

const maxCutMs = 60_000;
const shortCutMs = 10_000;

/** `worker-without-postgres`, `api-without-cache` and so on. */
export const oneLinkCuts: Readonly<Record<string, Fault>> = Object.fromEntries(
  serverNames.flatMap((server) => [
    [`worker-without-${server}`, cutOneLink('workers', server)],
    [`api-without-${server}`, cutOneLink('apis', server)],
  ]),
);

function cutOneLink(component: 'apis' | 'workers', server: ServerName): Fault {
  return {
    async inject({ stack, random, isShort, notes }) {
      const victim = pickVictim(random, stack[component]);
      const mode = random.pick(['refuse', 'silent'] as const);
      const cutMs = isShort ? shortCutMs : maxCutMs * (0.4 + 0.6 * random.next());
      const link = findLinkBetween(stack, victim.name, server);
      notes.push(`${victim.name}, ${mode} for ${(cutMs / 1000).toFixed(0)} s`);
      link.setMode(mode);
      await delay(cutMs);
      link.setMode('pass');
    },
  };
}
