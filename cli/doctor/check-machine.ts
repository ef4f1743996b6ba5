/** Checks this machine: Node.js, npm, and the disk that holds the current or data folder. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import about from '../../package.json' with { type: 'json' };
import { checkDisk } from './check-disk.ts';
import { type Finding, finding, ok } from './findings.ts';

const subject = 'this machine';

export async function checkMachine(folder: string): Promise<Finding[]> {
  const node = evaluateNode(process.versions.node, about.engines.node, await readNpmVersion());
  return [node, ...(await checkDisk(subject, folder))];
}

/** Asynchronous, because a blocked event loop would let the concurrent requests of the other checks time out. */
async function readNpmVersion(): Promise<string | undefined> {
  const npm = await promisify(execFile)('npm', ['--version'], { timeout: 5000 }).catch(() => undefined);
  return npm?.stdout.trim();
}

/** @param requiredRange as in package.json: `>=20.19` */
export function evaluateNode(version: string, requiredRange: string, npmVersion?: string): Finding {
  const isSupported = !isOlder(version, requiredRange.replace('>=', ''));
  if (!isSupported) return finding(subject, 'node_too_old', `Node.js ${version} does not satisfy ${requiredRange}`);
  return ok(subject, `Node.js ${version}, ${npmVersion ? `npm ${npmVersion}` : 'no npm'}`);
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  const place = b?.findIndex((part, index) => part !== a?.[index]) ?? -1;
  return place !== -1 && (a?.[place] ?? 0) < (b?.[place] ?? 0);
}
