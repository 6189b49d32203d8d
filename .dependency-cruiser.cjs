// Data flows one way: http → graphql → evaluation → db; live and importers stand beside. Nothing imports upwards.
/** The files at the top of src that import nothing but each other: they are for everyone. */
const SHARED =
  '(calendar|databaseTime|exactNumbers|freeNames|json|mapKey|refusal|retryAfter|spans|stream|text|uuid|valueChecks|viewer)\\.ts$'
const may = (folder, ...targets) => ({
  name: `${folder}-imports-only-downwards`,
  comment: `src/${folder} may import from ${['itself', SHARED, ...targets].join(', ')} only.`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: {
    path: '^src/',
    pathNot: [`^src/${folder}/`, `^src/${SHARED}`, ...targets.map((target) => `^src/${target}`)],
  },
})

module.exports = {
  forbidden: [
    may('db'),
    may('reads', 'db/(generated/|(pinnedSettings|pools|readBudget|tenantTransaction)\\.ts$)'),
    may('auth', 'config\\.ts$', 'db/(passingFault|pool|tenantTransaction|transaction)\\.ts$'),
    may('observe', 'db/(engine|pools|statementLabel|transaction)\\.ts$'),
    may('jobs', 'db/transaction\\.ts$', 'webhooks/'),
    may('webhooks'),
    may(
      'embedding',
      'config\\.ts$',
      'evaluation/(outcomeInput|outcomes/trajectory|failures/failurePattern)\\.ts$',
    ),
    may('statistics'),
    may('evaluation', 'reads/', 'db/tenantTransaction\\.ts$', 'statistics/', 'webhooks/'),
    may('live', 'reads/', 'db/(tenantTransaction|tlsMode)\\.ts$', 'evaluation/', 'auth/expiry\\.ts$'),
    may(
      'graphql',
      'embedding/texts/',
      'evaluation/',
      'live/',
      'observe/',
      'reads/',
      'statistics/',
      'db/(generated/|pools\\.ts$|tenantTransaction\\.ts$)',
      'auth/apiKeyIssue\\.ts$',
      'webhooks/',
    ),
    may('graphql/lists', 'graphql/builder/', 'reads/', 'db/generated/'),
    may(
      'graphql/builder',
      'evaluation/outcomes/outcomeQueue\\.ts$',
      'live/hub\\.ts$',
      'observe/',
      'webhooks/',
      'reads/(answers/(pages|parts)|catalogue|condition|operationReads|keyset|pagePlan)\\.ts$',
      'db/(generated/|pools\\.ts$|tenantTransaction\\.ts$)',
    ),
    may(
      'http',
      'config\\.ts$',
      'embedding/questions\\.ts$',
      'graphql/',
      'observe/',
      'reads/(operationReads|pagePlan)\\.ts$',
      'db/(generated/|passingFault\\.ts$|pools\\.ts$|tenantTransaction\\.ts$)',
      'auth/',
    ),
    may(
      'http/limits',
      'config\\.ts$',
      'graphql/builder/inputBounds\\.ts$',
      'db/pools\\.ts$',
      'reads/pagePlan\\.ts$',
    ),
    may(
      'importers',
      'client/',
      'evaluation/(outcomeInput|outcomes/trajectory|scenarios/scenarioKey|configurations/configDocument|redaction/redaction)\\.ts$',
    ),
    may('sample', 'client/'),
    may(
      'commands',
      'config\\.ts$',
      'server\\.ts$',
      'observe/logger\\.ts$',
      'auth/',
      'db/(admin|embedded)/',
      'client/',
      'importers/',
      'evaluation/redaction/redaction\\.ts$',
      'sample/',
    ),
    {
      name: 'client-runs-in-browsers',
      comment: 'Other programs import it, browsers too: nothing of Node, and no library that is not small.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { pathNot: '^(src/client/|src/exactNumbers\\.ts$|node_modules/eventsource-parser/)' },
    },
    {
      name: 'sql-in-stores-only',
      comment: 'Statements are written where the database is read and written: nowhere above evaluation.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(auth|db|evaluation|jobs|live|observe|reads)/' },
      to: { path: 'node_modules/sql-template-tag' },
    },
    {
      name: 'observed-only-where-asked-for',
      comment: 'What traces and exports figures is loaded when it is switched on: others pay nothing for it.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        path: 'node_modules/(@opentelemetry|prom-client)/',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'shared-imports-nothing-else',
      severity: 'error',
      from: { path: `^src/${SHARED}` },
      to: { path: '^src/', pathNot: `^src/${SHARED}` },
    },
    {
      name: 'no-circle',
      comment:
        'What refers to what imports it; a GraphQL type adds its fields to its parents from its own file.',
      severity: 'error',
      from: { pathNot: '^src/db/generated/' },
      to: { circular: true },
    },
    {
      name: 'no-test-in-source',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'unit-tests-need-no-database',
      severity: 'error',
      from: { path: '^test/unit/' },
      to: {
        path: '^(src/server\\.ts|src/db/embedded/embedded\\.ts|test/support/arc\\.ts)$',
        reachable: true,
      },
    },
    {
      name: 'no-development-dependency-in-source',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
