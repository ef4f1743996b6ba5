/** The orders in which a network may deliver what devices have sent. */
import { encodeCausality, type Written } from './honest-devices.ts';
import type { Random } from './seeded-random.ts';
import { createServer, type Server } from './server.ts';

/** A random order in which each device's own updates stay in order. */
export function interleave<Sent extends { readonly device: string }>(random: Random, updates: readonly Sent[]): Sent[] {
  const outboxes = new Map<string, Sent[]>();
  for (const sent of updates) outboxes.set(sent.device, [...(outboxes.get(sent.device) ?? []), sent]);
  // A shuffled list of names, each as often as its device has updates, is a uniformly drawn interleaving.
  return random.shuffle(updates.map(({ device }) => device)).flatMap((device) => outboxes.get(device)?.shift() ?? []);
}

/** Sends some updates again, at once or later, several times. */
export function repeatSome<Sent>(random: Random, updates: readonly Sent[]): Sent[] {
  const repeated: Sent[] = [];
  updates.forEach((sent, index) => {
    repeated.push(sent);
    while (random.chance(0.3)) repeated.push(updates[random.below(index + 1)] ?? sent);
  });
  return repeated;
}

/** Delivers in this order, each update with the `seen` that is true for this server. */
export function deliverAll(updates: readonly Written[]): Server {
  const server = createServer();
  for (const written of updates) server.deliver(encodeCausality(written, server.log));
  return server;
}
