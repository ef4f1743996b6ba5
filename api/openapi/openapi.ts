/** Serves the API reference at `/docs`: OpenAPI generated from the routes' schemas, shown by Swagger UI. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { App } from '../fastify-types.ts';
import { completeOperations, type OpenApiDocument, removeUnusedSchemas } from './openapi-document.ts';

const description =
  'A shared live field that many devices change at the same time. Updates may arrive late or twice, often from devices that were offline. ' +
  'A device numbers its updates 1, 2, 3…; sending one again is always safe. ' +
  'Every error is a problem with a code; [the error reference](/docs/errors) has the cause and the remedy of each.';

/** Must be called before the routes are added, because it collects them as they are added. */
export async function addOpenApi(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Consciousness field', version: '2', description, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/', description: 'This server' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      tags: [
        { name: 'updates', description: 'Change a field' },
        { name: 'reading', description: 'Read a field' },
        { name: 'streams', description: 'Follow a field' },
        { name: 'pipelines', description: 'Read the changes of all fields' },
        { name: 'devices', description: 'Register a device' },
        { name: 'health', description: 'Monitor the process' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) =>
      removeUnusedSchemas(completeOperations(jsonSchemaTransformObject(document) as OpenApiDocument)),
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { persistAuthorization: false },
    transformSpecification: (document, { forwardedPrefix: url }) =>
      url ? { ...document, servers: [{ url }] } : document,
    transformSpecificationClone: false,
  });
}
