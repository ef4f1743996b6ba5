import t from 'tap';
import { formatCursor } from '../../../shared/field/cursor.ts';
import { CursorWindow } from '../../../workers/commit/cursor-window.ts';
import { asCursor } from '../../support/updates.ts';

const hashOf = (version: number) => String(version).padStart(64, 'a');

t.test('the window knows the newest cursors, and nothing of those before it', async (t) => {
  const window = new CursorWindow();
  for (let version = 5; version <= 2000; version++) window.add(version, hashOf(version));
  t.equal(window.size, 1024);
  t.equal(window.includes(formatCursor(2000, hashOf(2000))), true);
  t.equal(window.includes(asCursor(2000)), false, 'the same version of another history');
  t.equal(window.includes(asCursor(2001)), false, 'a version that the log has not reached');
  t.equal(window.includes(formatCursor(976, hashOf(976))), undefined);
  t.equal(window.includes(formatCursor(977, hashOf(977))), true);
  t.equal(window.includes(asCursor(0)), true, 'every log has the empty state');
});
