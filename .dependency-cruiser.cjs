/** The rooms and what each may import: the architecture, checked. */
const rooms = {
  shared: [],
  db: ['shared'],
  workers: ['db', 'shared'],
  api: ['db', 'shared'],
  client: ['shared'],
  page: ['client', 'shared'],
  cli: ['api', 'workers', 'db', 'shared', 'client', 'page', 'dev'],
  dev: ['api', 'workers', 'db', 'shared', 'cli', 'client', 'page'],
  test: ['api', 'workers', 'db', 'shared', 'cli', 'client', 'page', 'dev', 'bench'],
  bench: ['api', 'workers', 'db', 'shared', 'cli', 'client', 'page', 'dev', 'test'],
};

const rule = (name, comment, path, to) => ({ name, comment, severity: 'error', from: { path }, to });

const bordersOf = ([room, allowed]) => {
  const others = Object.keys(rooms).filter((other) => other !== room && !allowed.includes(other));
  const comment = `${room}/ may import ${allowed.join(', ') || 'no other room'}`;
  return rule(`borders-of-${room}`, comment, `^${room}/`, { path: `^(${others.join('|')})/` });
};

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(rooms).map(bordersOf),
    rule('field-is-pure', 'The rules know no I/O, clock, randomness or package', '^shared/field/', {
      pathNot: '^shared/field/',
    }),
    rule('contract-stands-on-field', 'Schemas stand on the rules and zod', '^shared/contract/', {
      path: '^shared/(?!contract/|field/|errors)',
    }),
    rule('api-reads-only', 'The API never changes state: of db, it has the read-only door', '^api/', {
      path: '^db/(?!connect\\.ts|field-reader\\.ts|revocation-reader\\.ts)',
    }),
    rule('client-is-light', 'Phones get the rules and what goes over the wire', '^client/', {
      path: '^shared/(?!field/|contract/)',
    }),
    rule(
      'client-without-schemas',
      'Of the contract, phones get types and the fixed words, and no package',
      '^client/',
      {
        path: '^shared/contract/(?!wire)|^node_modules/(?!react/|@types/)',
        dependencyTypesNot: ['type-only', 'core'],
      },
    ),
    rule('page-stands-on-client', 'The page is one more client', '^page/', { path: '^shared/(?!field/)' }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^client/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
