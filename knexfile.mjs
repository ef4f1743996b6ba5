// What `npx knex` loads, because Node 20 cannot import TypeScript: knex looks for this name before `knexfile.ts`.
import { launch } from './cli/launch.mjs';

const { default: config } = await launch('knexfile');
export default config;
