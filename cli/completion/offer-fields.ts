/**
 * The fields that a shell offers while somebody types. They wait for the answer: so it takes a bounded time, is bounded in length, and is
 * empty whatever goes wrong.
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
  // Its own socket, because only the end of that ends every wait of the driver, and lets this process end.
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
