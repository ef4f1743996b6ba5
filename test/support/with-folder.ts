/** Creates a temporary folder, which is removed at the end of the test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

export async function withFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(process.env.TEST_FOLDER ?? tmpdir(), 'folder-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
