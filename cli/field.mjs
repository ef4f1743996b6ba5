#!/usr/bin/env node
// What `npx consciousness-field` runs: TypeScript is taught to this process, wherever it was started, and the program begins.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

// Its own tsconfig: the one of the folder that it was started in is somebody else's.
register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) });
await import('./field.ts');
