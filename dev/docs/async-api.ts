/** Renders `docs/asyncapi.json`, the description of the stream for tools, from the schemas that its messages are checked with. */
import { z } from 'zod';
import { configSchema } from '../../shared/config/settings.ts';
import { controlMessageSchema, serverMessageSchema } from '../../shared/contract/stream.ts';
import { createUpdatesSchema } from '../../shared/contract/update.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

const summaries: Readonly<Record<string, string>> = {
  snapshot: "Replaces the client's state.",
  delta: 'Leads from the cursor `from` to the cursor `to`; applies only if `from` is the cursor of the client.',
  'presence from the server': 'Who is present: the changes since the previous message.',
  accepted: 'The receipt of an update message.',
  error: 'A message or the stream was refused.',
  pong: 'Answers a ping.',
  bye: 'The server is closing.',
  update: 'Updates, as in a POST.',
  'presence from the client': 'The data that this device shows to others.',
  region: 'The part of the field to watch from now on.',
  ping: 'Asks for a `pong`.',
  token: 'Replaces the token before it expires.',
};

export function renderAsyncApi(): string {
  const gridSize = configSchema.shape.GRID_SIZE.parse(undefined);
  const updateSchema = z.strictObject({ type: z.literal('update'), updates: createUpdatesSchema(gridSize) });
  const schemas: Record<string, unknown> = {};
  const fromServer = describeMessages(serverMessageSchema, 'from the server', schemas);
  const fromClient = {
    ...describeMessages(controlMessageSchema, 'from the client', schemas),
    ...describeMessages(z.union([updateSchema]), 'from the client', schemas),
  };
  const messages = { ...fromServer, ...fromClient };
  const refs = (named: object) => Object.keys(named).map((id) => ({ $ref: `#/channels/stream/messages/${id}` }));
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Consciousness field: streams',
      version: '2',
      description:
        'The messages of `GET /api/fields/{field}/stream` (WebSocket), and those of the server on `/events` (Server-Sent Events). ' +
        'protocol.md says how they are used, and openapi.json describes the requests.',
      tags: [{ name: 'streams', description: 'Follow a field' }],
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    defaultContentType: 'application/json',
    servers: { development: { host: '127.0.0.1:3000', protocol: 'ws' } },
    channels: {
      stream: {
        address: '/api/fields/{field}/stream',
        parameters: { field: { description: 'The id of the field', examples: ['global'] } },
        bindings: {
          ws: {
            query: {
              type: 'object',
              properties: {
                after: { type: 'string', description: 'The cursor to resume from', examples: ['12.9f86d081884c7d65'] },
                region: { type: 'string', description: 'A part of the field: `x0,y0,x1,y1`', examples: ['0,0,10,10'] },
              },
            },
          },
        },
        messages: Object.fromEntries(Object.keys(messages).map((id) => [id, { $ref: `#/components/messages/${id}` }])),
      },
    },
    operations: {
      follow: {
        action: 'receive',
        description: 'Follow the field: a snapshot or the missed changes, and then each change.',
        channel: { $ref: '#/channels/stream' },
        messages: refs(fromServer),
      },
      speak: {
        action: 'send',
        description: 'Change the field, the watched region and the presence data.',
        channel: { $ref: '#/channels/stream' },
        messages: refs(fromClient),
      },
    },
    components: { messages, schemas },
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

/** @param schemas receives the schemas that the messages share */
function describeMessages(union: z.ZodType, sender: string, schemas: Record<string, unknown>): Record<string, object> {
  const { oneOf, anyOf, definitions } = z.toJSONSchema(union, { target: 'draft-7', unrepresentable: 'any' });
  Object.assign(schemas, moveReferences(definitions ?? {}));
  const described = (oneOf ?? anyOf ?? []).map((payload) => {
    const type = String((payload.properties?.type as JsonSchema | undefined)?.const);
    // Both sides send one of this type.
    const summary = summaries[type] ?? summaries[`${type} ${sender}`];
    const id = summaries[type] ? type : `${type}-${sender.replaceAll(' ', '-')}`;
    return [id, { name: type, title: id, summary, payload: moveReferences(payload) }] as const;
  });
  return Object.fromEntries(described);
}

function moveReferences<Schema extends object>(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('#/definitions/', '#/components/schemas/')) as Schema;
}
