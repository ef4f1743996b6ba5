/** Which folder may import which: the architecture, checked by `npm run check`. */
const allowedImports = {
  shared: [],
  db: ['shared'],
  workers: ['db', 'shared'],
  api: ['db', 'shared'],
  client: ['shared'],
  page: ['client', 'shared'],
  examples: ['client', 'shared'],
  cli: ['api', 'workers', 'db', 'shared', 'client', 'page', 'dev'],
  dev: ['api', 'workers', 'db', 'shared', 'cli', 'client', 'page'],
  test: ['api', 'workers', 'db', 'shared', 'cli', 'client', 'page', 'dev', 'bench'],
  bench: ['api', 'workers', 'db', 'shared', 'cli', 'client', 'page', 'dev', 'test'],
};

const rule = (name, comment, path, to) => ({ name, comment, severity: 'error', from: { path }, to });

const folderRule = ([folder, allowed]) => {
  const others = Object.keys(allowedImports).filter((other) => other !== folder && !allowed.includes(other));
  const comment = `${folder}/ may import ${allowed.join(', ') || 'no other folder'}`;
  return rule(`imports-of-${folder}`, comment, `^${folder}/`, { path: `^(${others.join('|')})/` });
};

module.exports = {
  forbidden: [
    { name: 'no-file-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-folder-cycles', severity: 'error', scope: 'folder', from: {}, to: { circular: true } },
    ...Object.entries(allowedImports).map(folderRule),
    rule('field-is-pure', 'The merge rules use no I/O, clock, randomness or package', '^shared/field/', {
      pathNot: '^shared/field/',
    }),
    rule('contract-imports', 'Schemas depend on the merge rules and zod only', '^shared/contract/', {
      path: '^shared/(?!contract/|field/|errors)',
    }),
    rule('api-reads-only', 'The API never changes state: of db/ it may import only what reads', '^api/', {
      path: '^db/(?!operators/|connect\\.ts|read/|leases/lease-(holders|keys)\\.ts)',
    }),
    rule('client-imports', 'Phones get the merge rules and the wire format only', '^client/', {
      path: '^shared/(?!field/|contract/)',
    }),
    rule('client-without-schemas', 'Of the contract, phones get types and constants, and no package', '^client/', {
      path: '^shared/contract/(?!wire|messages)|^node_modules/(?!react/|@types/)',
      dependencyTypesNot: ['core'],
    }),
    rule('types-without-schemas', 'The types of the client need no zod', '^shared/contract/(wire|messages)', {
      path: '^shared/contract/|^node_modules/',
    }),
    rule('page-imports', 'The page is an app built on the client', '^page/', { path: '^shared/(?!field/)' }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '[.]build-|^client/(dist/|([a-z-]+|storage/[a-z-]+)[.](js|d[.]ts)$)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
