/** Preloaded into an API: keeps another 50 kB of objects ten times per second. */
const kept: string[][] = [];

setInterval(() => kept.push(Array.from({ length: 1000 }, (_, at) => `object ${kept.length} ${at}`)), 100).unref();
