/** Renders `docs/settings.md` from the schema of the settings. */
import { z } from 'zod';
import { configSchema } from '../../shared/config/settings.ts';

const introduction = `# Settings

Settings are environment variables; \`npm start\` and the command line also read them from \`.env\`. An empty variable counts as
not set. \`npm start\` needs none of them. A setting without a default is optional unless it is marked as required.
`;

export function renderSettingsPage(): string {
  const { properties = {} } = z.toJSONSchema(configSchema, { io: 'output', unrepresentable: 'any' });
  const settingRows = Object.entries(properties).map(([name, property]) => {
    const schema = typeof property === 'object' ? property : {};
    return `| \`${name}\` | ${schema.description} | ${renderValues(schema)} | ${renderDefault(name, schema)} |`;
  });
  return [
    introduction,
    '| setting | meaning | values | default |\n|---|---|---|---|',
    `${settingRows.join('\n')}\n`,
    '[Limits](limits.md) lists what cannot be changed by a setting, too.\n',
  ].join('\n');
}

const requiredSettings = new Set(configSchema.safeParse({}).error?.issues.map(({ path }) => path[0]));

type JsonSchema = Exclude<z.core.JSONSchema._JSONSchema, boolean>;

function renderValues({ enum: values, minimum, maximum, type }: JsonSchema): string {
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return type === 'boolean' ? '`true` or `false`' : 'text';
}

function renderDefault(name: string, schema: JsonSchema): string {
  if (schema.default !== undefined) return schema.default === '' ? 'empty' : `\`${schema.default}\``;
  return requiredSettings.has(name) ? 'required' : '';
}
