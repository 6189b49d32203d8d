// Data flows one way: http → graphql → evaluation → db; live and importers stand beside. Nothing imports upwards.
const may = (folder, ...targets) => ({
  name: `${folder}-imports-only-downwards`,
  comment: `src/${folder} may import from ${['itself', ...targets].join(', ')} only.`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: [`^src/${folder}/`, ...targets.map((target) => `^src/${target}`)] },
})

module.exports = {
  forbidden: [
    may('db', 'auth/viewer\\.ts$', 'evaluation/refusal\\.ts$'),
    may('auth', 'config\\.ts$', 'evaluation/refusal\\.ts$'),
    may('evaluation', 'db/', 'auth/viewer\\.ts$'),
    may('live', 'db/', 'evaluation/', 'auth/viewer\\.ts$'),
    may(
      'graphql',
      'evaluation/',
      'live/',
      'db/(generated/|parentPages\\.ts$|operationReads\\.ts$|tenantTransaction\\.ts$)',
      'auth/viewer\\.ts$',
    ),
    may(
      'http',
      'graphql/',
      'db/(generated/|operationReads\\.ts$|tenantTransaction\\.ts$)',
      'auth/',
      'evaluation/refusal\\.ts$',
    ),
    may('client'),
    may('importers', 'client/', 'evaluation/(outcomeRow|scenarioKey)\\.ts$'),
    may('sample', 'client/'),
    may(
      'commands',
      'config\\.ts$',
      'server\\.ts$',
      'auth/',
      'db/(login|migrator|dataDirLock)\\.ts$',
      'client/',
      'importers/',
      'sample/',
    ),
    {
      name: 'no-circle',
      comment: 'GraphQL types refer to each other: there, and only there, files import in circles.',
      severity: 'error',
      from: { pathNot: '^src/(graphql|db/generated)/' },
      to: { circular: true },
    },
    {
      name: 'no-test-in-source',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
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
