#!/usr/bin/env node
// What `npx consciousness-field` runs.
import { launch } from './launch.mjs';

await launch('cli/field');
