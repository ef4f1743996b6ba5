/**
 * Preloaded into APIs and workers: a socket that, once connected, answers how much memory the process uses after a full
 * garbage collection.
 */
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const { MEMORY_SOCKET: path = '' } = process.env;

rmSync(path, { force: true }); // Left by a process that was killed.
createServer(async (socket) => {
  socket.on('error', () => {}); // The reader has gone.
  collectGarbage();
  await delay(0); // Finalizers release more, which the second collection frees.
  collectGarbage();
  socket.end(JSON.stringify(process.memoryUsage()));
})
  .listen(path)
  .unref();
