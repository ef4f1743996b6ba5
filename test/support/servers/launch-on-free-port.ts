/** Starts a server on a free port and retries with another port if a concurrent test has taken it in the meantime. */
import { findFreePort } from '../../../dev/processes/free-port.ts';

const attempts = 3;

export async function launchOnFreePort<Server>(launch: (port: number) => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(await findFreePort());
    } catch (error) {
      if (attempt === attempts || !String(error).includes('Address already in use')) throw error;
    }
  }
}
