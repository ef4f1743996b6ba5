/** The address at which phones on the same network reach the API, as text and as a QR code. */
import { networkInterfaces } from 'node:os';
import { renderUnicodeCompact } from 'uqr';

/** The first IPv4 address of this machine that is not the loopback address; undefined without a network. */
export function findLanAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

/** Lines for the terminal. The origins of pages from this network are allowed in development. */
export function describeLan(address: string | undefined, port: number): string {
  if (address === undefined) return '  This machine has no network: --lan has no effect.';
  const url = `http://${address}:${port}`;
  return [
    `  For phones on this network: ${url}/, and as the \`url\` of a client. Everybody on the network can reach it.`,
    '',
    renderUnicodeCompact(`${url}/`, { border: 2 }),
  ].join('\n');
}
