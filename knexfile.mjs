// What `npx knex` loads, because Node 20 cannot import TypeScript: knex looks for this name before `knexfile.ts`.
import { tsImport } from 'tsx/esm/api';

const { default: config } = await tsImport('./knexfile.ts', import.meta.url);
export default config;
