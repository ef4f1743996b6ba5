/** Ids of requests, which responses, logs and jobs carry: unique across processes and restarts, and as cheap as a counter. */
import { randomBytes } from 'node:crypto';

export function createRequestIds(): () => string {
  const process = randomBytes(4).toString('hex');
  let count = 0;
  return () => {
    count += 1;
    return `${process}-${count.toString(36)}`;
  };
}
