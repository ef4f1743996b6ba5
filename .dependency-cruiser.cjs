/** The rooms and what each may import: the architecture, checked. */
const room = (name, comment, from, forbidden) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: forbidden },
});

const rooms = 'api|workers|db|cli|client|page|dev|test|bench';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'field-is-pure',
      comment: 'The rules know no I/O, clock, randomness or package',
      severity: 'error',
      from: { path: '^shared/field/' },
      to: { pathNot: '^shared/field/' },
    },
    room(
      'contract-stands-on-field',
      'Schemas stand on the rules and zod',
      '^shared/contract/',
      `^(${rooms})/|^shared/(?!contract/|field/|errors)`,
    ),
    room('shared-is-below', 'What is shared knows no room', '^shared/', `^(${rooms})/`),
    room(
      'db-stands-on-shared',
      'The database room knows only shared',
      '^db/',
      '^(api|workers|cli|client|page|dev|test|bench)/',
    ),
    room('workers-stand-on-db', 'Workers know db and shared', '^workers/', '^(api|cli|client|page|dev|test|bench)/'),
    room(
      'api-is-apart',
      'The API hands out state and never changes it',
      '^api/',
      '^(workers|cli|client|page|dev|test|bench)/',
    ),
    room(
      'api-reads-only',
      'Of db, the API has the read-only door',
      '^api/',
      '^db/(?!connect\\.ts|field-reader\\.ts|revocation-reader\\.ts)',
    ),
    room(
      'client-is-light',
      'Phones get the rules and what goes over the wire',
      '^client/',
      '^(api|workers|db|cli|page|dev|test|bench)/|^shared/(?!field/|contract/)',
    ),
    room(
      'page-stands-on-client',
      'The page is one more client',
      '^page/',
      '^(api|workers|db|cli|dev|test|bench)/|^shared/(?!field/)',
    ),
    {
      name: 'client-without-schemas',
      comment: 'Of the contract, phones get types and the fixed words of the wire, and no package at all',
      severity: 'error',
      from: { path: '^client/' },
      to: {
        path: '^shared/contract/(?!wire)|^node_modules/(?!react/|@types/)',
        dependencyTypesNot: ['type-only', 'core'],
      },
    },
    room(
      'no-tests-in-rooms',
      'Nothing that ships imports a test',
      '^(api|workers|db|shared|cli|client|page|dev)/',
      '^(test|bench)/',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^client/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
