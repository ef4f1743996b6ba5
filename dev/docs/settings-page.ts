/** Renders `docs/settings.md` from the schema of the settings and the fixed limits of the protocol. */
import { z } from 'zod';
import { configSchema } from '../../shared/config/settings.ts';
import { maxKeptConflicts, maxRequestBytes, maxTokenLength, maxUpdatesPerRequest } from '../../shared/contract/wire.ts';
import {
  maxParticleBytes,
  maxParticles,
  particleBytesAfterEviction,
  particlesAfterEviction,
} from '../../shared/field/dynamics/eviction.ts';
import { maxTombstoneBytes, maxTombstones } from '../../shared/field/merge-update.ts';
import { maxCounterGap } from '../../shared/updates/counter-gap.ts';

const introduction = `# Settings

Settings are environment variables; \`npm start\` and the command line also read them from \`.env\`. An empty variable counts as
not set. \`npm start\` needs none of them. A setting without a default is optional unless it is marked as required.
`;

const limits: readonly (readonly [string, number])[] = [
  ['Updates in a request', maxUpdatesPerRequest],
  ['Bytes of a request body', maxRequestBytes],
  ['Characters of a token', maxTokenLength],
  ['Distance of a counter from the last one of its device', maxCounterGap],
  ['Stored conflicts of a field', maxKeptConflicts],
  [`Particles of a field; above it, the ${particlesAfterEviction} with the newest writes stay at most`, maxParticles],
  [
    `Bytes of a field's particles: 128 and the UTF-8 bytes of id, content and connections for each; above it, the particles with the newest writes stay, up to ${particleBytesAfterEviction} bytes`,
    maxParticleBytes,
  ],
  ['Tombstones of a field', maxTombstones],
  ["Bytes of a field's tombstones, counted in the same way", maxTombstoneBytes],
];

export function renderSettingsPage(): string {
  const { properties = {} } = z.toJSONSchema(configSchema, { io: 'output', unrepresentable: 'any' });
  const settingRows = Object.entries(properties).map(([name, property]) => {
    const schema = typeof property === 'object' ? property : {};
    return `| \`${name}\` | ${schema.description} | ${renderValues(schema)} | ${renderDefault(name, schema)} |`;
  });
  const limitRows = limits.map(([name, value]) => `| ${name} | ${value} |`);
  return [
    introduction,
    '| setting | meaning | values | default |\n|---|---|---|---|',
    `${settingRows.join('\n')}\n`,
    '## Fixed limits\n\n| limit | value |\n|---|---|',
    `${limitRows.join('\n')}\n`,
  ].join('\n');
}

const requiredSettings = new Set(configSchema.safeParse({}).error?.issues.map(({ path }) => path[0]));

type JsonSchema = Exclude<z.core.JSONSchema._JSONSchema, boolean>;

function renderValues({ enum: values, minimum, maximum, type }: JsonSchema): string {
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return type === 'string' ? 'text' : '`true` or `false`';
}

function renderDefault(name: string, schema: JsonSchema): string {
  if (schema.default !== undefined) return schema.default === '' ? 'empty' : `\`${schema.default}\``;
  return requiredSettings.has(name) ? 'required' : '';
}
