/** Checks this machine: Node.js, npm, and the disk that holds the current or data folder. */
import { spawnSync } from 'node:child_process';
import about from '../../package.json' with { type: 'json' };
import { checkDisk } from './check-disk.ts';
import { type Finding, finding, ok } from './findings.ts';

const subject = 'this machine';

export async function checkMachine(folder: string): Promise<Finding[]> {
  return [evaluateNode(process.versions.node, about.engines.node), ...(await checkDisk(subject, folder))];
}

/** @param requiredRange as in package.json: `>=20.19` */
export function evaluateNode(version: string, requiredRange: string): Finding {
  const isSupported = !isOlder(version, requiredRange.replace('>=', ''));
  if (!isSupported) return finding(subject, 'node_too_old', `Node.js ${version} does not satisfy ${requiredRange}`);
  const npm = spawnSync('npm', ['--version'], { encoding: 'utf8', timeout: 5000 }).stdout?.trim();
  return ok(subject, `Node.js ${version}, ${npm ? `npm ${npm}` : 'no npm'}`);
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  const place = b?.findIndex((part, index) => part !== a?.[index]) ?? -1;
  return place !== -1 && (a?.[place] ?? 0) < (b?.[place] ?? 0);
}
