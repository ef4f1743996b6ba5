/** The arguments of `npm run demo`. */
import { parseArgs } from 'node:util';

const maxDevices = 50;

export const helpText = `npm run demo: fills two fields and lets devices move, paint and disagree in them, until Ctrl-C.

  --devices N   how many devices there are, 2 to ${maxDevices}; default: 12. Each makes about one change a second
  --url URL     use this server, which has to let devices register; default: the one that npm start runs, or a new one
  --lan         serve the network as well, if a server is started
  --help        print this

The field earthquakes has a week of real earthquakes, the field garden is made up.`;

export interface DemoOptions {
  readonly devices: number;
  readonly url: string | undefined;
  readonly isOnLan: boolean;
  readonly isHelp: boolean;
}

/** @throws Error with the reason */
export function parseOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      devices: { type: 'string', default: '12' },
      url: { type: 'string' },
      lan: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const devices = Number(values.devices);
  if (!Number.isInteger(devices) || devices < 2 || devices > maxDevices)
    throw new Error(`--devices must be a whole number from 2 to ${maxDevices}`);
  if (values.url !== undefined && !/^https?:\/\/./.test(values.url))
    throw new Error(`--url is no address: ${values.url}`);
  return { devices, url: values.url?.replace(/\/+$/, ''), isOnLan: values.lan, isHelp: values.help };
}
