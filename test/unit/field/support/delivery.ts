/** The orders in which a network may deliver the updates of devices. */
import { encodeCausality, type Written } from './honest-devices.ts';
import type { Random } from './seeded-random.ts';
import { createServer, type Server } from './server.ts';

/** Returns the updates in a random order that preserves the order of each device's own updates. */
export function interleave<Sent extends { readonly device: string }>(random: Random, updates: readonly Sent[]): Sent[] {
  const outboxes = new Map<string, Sent[]>();
  for (const sent of updates) outboxes.set(sent.device, [...(outboxes.get(sent.device) ?? []), sent]);
  // Shuffling one entry per update, named after its device, makes every interleaving equally likely.
  return random.shuffle(updates.map(({ device }) => device)).flatMap((device) => outboxes.get(device)?.shift() ?? []);
}

/** Repeats some updates one or more times, either directly after themselves or later. */
export function repeatSome<Sent>(random: Random, updates: readonly Sent[]): Sent[] {
  const repeated: Sent[] = [];
  updates.forEach((sent, index) => {
    repeated.push(sent);
    while (random.chance(0.3)) repeated.push(updates[random.below(index + 1)] ?? sent);
  });
  return repeated;
}

/** Delivers the updates in this order to a new server, each with the `seen` version that is true for that server. */
export function deliverAll(updates: readonly Written[]): Server {
  const server = createServer();
  for (const written of updates) server.deliver(encodeCausality(written, server.log));
  return server;
}
