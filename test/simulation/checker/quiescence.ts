/** Whether everything has come to rest: all updates are applied, and every reader has the newest state. */

import { synchronizers } from '../../../client/synchronizer.ts';
import type { FieldClient } from '../../../client/types.ts';
import { cursorOf } from '../../../shared/field/state.ts';
import type { World } from '../processes/world.ts';

/** What is still under way, one phrase each; empty when nothing is. */
export function listUnsettled(world: World): string[] {
  const { postgres, queue, fallbackQueue } = world.environment;
  const unsettled: string[] = [];
  const jobs = queue.pending + fallbackQueue.pending;
  if (jobs > 0) unsettled.push(`${jobs} jobs in the queue`);
  const cursors = new Map([...postgres.database.fields].map(([field, row]) => [field, cursorOf(row)]));
  for (const { options, client } of world.devices) {
    const { name, field } = options;
    if (!client) unsettled.push(`${name} does not run`);
    else if (client.pending > 0) unsettled.push(`${name} has ${client.pending} pending updates`);
    else if (cursors.has(field) && client.state.cursor !== cursors.get(field))
      unsettled.push(
        `${name} is at ${client.state.cursor} of ${field} and not at ${cursors.get(field)}, ${client.status}`,
      );
    else if (countShown(client) > 0) unsettled.push(`${name} shows ${countShown(client)} results apart from its state`);
  }
  for (const { name, field, mirror } of world.watchers) {
    if (cursors.has(field) && mirror.cursor !== cursors.get(field))
      unsettled.push(`${name} is at ${mirror.cursor} of ${field} and not at ${cursors.get(field)}`);
  }
  if (postgres.database.unpublished.size > 0) unsettled.push('fields wait to be published');
  return unsettled;
}

/** Own updates with results that the client shows on top of its state, since that is not known to contain them. */
function countShown(client: FieldClient): number {
  return synchronizers.get(client)?.services.outbox.applied.shown.length ?? 0;
}
