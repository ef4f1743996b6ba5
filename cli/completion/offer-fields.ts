/**
 * The fields that a shell offers as completions. The user is waiting, so the result takes a bounded time, has a bounded length,
 * and is empty after any error.
 */
import { Socket } from 'node:net';
import pg from 'pg';
import { readFieldNames } from '../../db/read/pages/field-names.ts';
import { connectionTarget } from '../../shared/postgres/connection-target.ts';
import type { CommandContext } from '../context/command-context.ts';
import { readSettings } from '../input/read-settings.ts';

const timeoutMs = 800;
const maxNames = 200;

export async function offerFields(prefix: string, context: CommandContext): Promise<string[]> {
  // Its own socket, because only destroying it ends every wait of the driver and allows this process to exit.
  const socket = new Socket();
  const timer = setTimeout(() => socket.destroy(new Error('the time is over')), timeoutMs);
  try {
    const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], context);
    const client = new pg.Client({ ...connectionTarget(url, () => socket), application_name: 'field-completion' });
    client.on('error', () => undefined);
    await client.connect();
    return await readFieldNames(client, prefix, maxNames);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
