/** Changes as readers of the change feed and receivers of webhooks get them. */
import { toPublicEntry } from '../log/public-entry.ts';
import type { Change } from './read-changes.ts';

export function describeChange(change: Change) {
  const { field } = change;
  switch (change.type) {
    case 'entry':
      return { field, entry: toPublicEntry(change.entry) };
    case 'pruned':
      return { field, pruned: { through: change.through } };
    case 'deleted':
      return { field, deleted: true };
  }
}
