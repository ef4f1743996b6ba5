#!/usr/bin/env node
// The entry point of `npx consciousness-field`.
import { launch } from './launch.mjs';

await launch('cli/field');
