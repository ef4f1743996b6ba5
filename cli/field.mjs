#!/usr/bin/env node
// What `npx consciousness-field` runs: registers the TypeScript loader, then starts the program.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

// Names this package's tsconfig, because the current folder may contain an unrelated one.
register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) });
await import('./field.ts');
