/** The API's own description: OpenAPI from the schemas of the routes, and a page that shows it. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { App } from '../fastify-types.ts';

const description =
  'A shared live field that many devices change at once, often offline, late or twice. ' +
  'A device numbers its updates 1, 2, 3…; sending one again is always safe.';

/** Must be called before the routes are registered: it notes them as they come. */
export async function addOpenApi(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Consciousness field', version: '1', description },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      tags: [
        { name: 'updates', description: 'Changing a field' },
        { name: 'reading', description: 'Reading a field' },
        { name: 'streams', description: 'Following a field' },
        { name: 'devices', description: 'Getting a token' },
        { name: 'health', description: 'Watching over the process' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { persistAuthorization: false } });
}
