/** How many sockets the processes of a benchmark may open. */
import { execFileSync } from 'node:child_process';

/** For the files, the pipes and the connections to the servers that a process has open as well. */
const reserved = 200;

/** @throws RangeError if a process that this one starts may not open `sockets` sockets */
export function requireSockets(sockets: number): void {
  const limit = readFileLimit();
  if (limit >= sockets + reserved) return;
  throw new RangeError(
    `${sockets} sockets need ${sockets + reserved} open files in a process, and the limit is ${limit}: raise it (\`ulimit -n\`)`,
  );
}

/** Node raises its own limit as far as it may, and the processes that it starts inherit that. */
function readFileLimit(): number {
  const limit = execFileSync('sh', ['-c', 'ulimit -n']).toString().trim();
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}
