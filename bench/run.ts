/** `npm run bench -- NAME`: runs one benchmark, or says which there are. */

const benches = { latency: 'from POST to delta, at a steady rate, against a running stack' } as const;

const [name = '', ...rest] = process.argv.slice(2);
if (!(name in benches)) {
  const list = Object.entries(benches).map(([bench, what]) => `  ${bench}  ${what}`);
  console.log(`npm run bench -- NAME [options]   (--help after a name lists its options)\n${list.join('\n')}`);
  process.exit(name === '' || name === '--help' ? 0 : 2);
}
process.argv.splice(2, process.argv.length, ...rest);
await import(`./${name}.ts`);
