/** Preloaded into an API: opens a file ten times per second and never closes it. */
import { openSync } from 'node:fs';

setInterval(() => openSync('/dev/null', 'r'), 100).unref();
