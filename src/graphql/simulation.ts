import { databaseNow } from '../databaseTime.ts'
import type { Simulation as SimulationRow } from '../db/generated/client.ts'
import { COMPLETION_PERCENT, runtimeMs } from '../evaluation/simulations/simulationAnswer.ts'
import { among } from '../reads/condition.ts'
import { LENGTHS, MAX_TAGS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Configuration } from './configuration.ts'
import { ConfigVersion, configVersionColumns } from './configVersion.ts'
import { Columns } from './lists/columns.ts'
import { byElement, byRelated } from './lists/filters.ts'
import { shownRelation } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'

export const SimulationStatusEnum = builder.enumType('SimulationStatus', {
  description: 'The status of a simulation; it only moves forward.',
  values: {
    PENDING: { value: 'pending', description: 'Planned; its first outcome starts it.' },
    RUNNING: { value: 'running', description: 'Running.' },
    COMPLETED: { value: 'completed', description: 'Ran to completion.' },
    FAILED: { value: 'failed', description: 'Failed.' },
    CANCELLED: { value: 'cancelled', description: 'Was stopped on request.' },
  } as const,
})

export const simulationColumns = new Columns<SimulationRow>({
  configVersionId: { kind: 'uuid', filter: 'By the key of the version that they run.' },
  simulationId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  simulationName: {
    kind: 'text',
    maxLength: LENGTHS.simulationName.max,
    nullable: true,
    description: 'Its display name.',
    filter: 'By name.',
    order: 'Its name.',
  },
  description: {
    kind: 'text',
    maxLength: LENGTHS.prose.max,
    nullable: true,
    description: 'What people say of it.',
  },
  tags: {
    kind: 'texts',
    maxLength: MAX_TAGS * LENGTHS.tag.max,
    description: 'Its tags.',
    filter: 'By tags.',
  },
  status: { kind: 'enum', enum: SimulationStatusEnum, description: 'Its status.', filter: 'By status.' },
  scenarioSet: { kind: 'texts', description: 'The keys of its scenarios, in order.' },
  repetitions: { kind: 'integer', description: 'How often each scenario runs.' },
  totalScenarios: { kind: 'integer', description: 'Total number of runs: scenarios times repetitions.' },
  completedScenarios: {
    kind: 'integer',
    description: 'Runs that ended, in any way: succeededScenarios + failedScenarios.',
  },
  succeededScenarios: { kind: 'integer', description: 'Runs that succeeded.' },
  scoredScenarios: { kind: 'integer', description: 'Graded runs: the scores are means over these.' },
  failedScenarios: { kind: 'integer', description: 'Runs that ended in any other way.' },
  meanScore: {
    kind: 'number',
    nullable: true,
    name: 'currentScore',
    description: 'Mean score of the graded runs so far; null while there is none.',
  },
  overallScore: {
    kind: 'number',
    nullable: true,
    description: 'The overall score, set when it completes; null when it failed or was cancelled.',
    filter: 'By overall score.',
  },
  rankingScore: {
    kind: 'number',
    nullable: true,
    description: 'The overall score if every run ended, else null: what OVERALL_SCORE orders by.',
    order: {
      name: 'OVERALL_SCORE',
      description: 'The overall score; what did not go through all its runs counts as having none.',
    },
  },
  executionTimeMs: {
    kind: 'bigint',
    nullable: true,
    description:
      'Total milliseconds of its attempts, or the value of the suite result that completed it; null when unknown.',
    filter: 'By the total milliseconds of their runs.',
  },
  totalTokens: {
    kind: 'bigint',
    nullable: true,
    description: 'Tokens of all its attempts; null when unknown.',
    filter: 'By the tokens of all their outcomes.',
    order: 'How many tokens it took.',
  },
  totalCostUsd: {
    kind: 'decimal',
    nullable: true,
    description:
      'Cost of all its attempts, or the value of the suite result that completed it; null when unknown.',
    filter: 'By cost in US dollars.',
    order: 'What it cost.',
  },
  metadata: {
    kind: 'json',
    description: 'Custom data stored with it.',
    filter: 'By any path in their custom data; all must match.',
  },
  modalAppId: {
    kind: 'text',
    maxLength: LENGTHS.label.max,
    nullable: true,
    description: 'The Modal app that runs it.',
  },
  modalEnvironment: {
    kind: 'text',
    maxLength: LENGTHS.label.max,
    description: 'The Modal environment that it runs in.',
  },
  sandboxInstances: { kind: 'integer', description: 'How many sandboxes run in parallel.' },
  timeoutMs: {
    kind: 'integer',
    description:
      'How long one run may take, in milliseconds; and how long its runner may be silent, see failWhenSilent.',
  },
  failWhenSilent: {
    kind: 'boolean',
    description: 'Whether it fails when neither an outcome nor a heartbeat came for timeoutMs.',
  },
  runnerLost: {
    kind: 'boolean',
    description:
      'Whether it failed because its runner was silent for too long. The next outcome or heartbeat, or its end, takes it up again.',
    filter: 'Whether they failed because their runner was silent for too long.',
  },
  maxRetries: { kind: 'integer', description: 'How often a run may be retried.' },
  priority: {
    kind: 'integer',
    description: '1 to 10; 10 is the most urgent.',
    filter: 'By priority.',
    order: 'How urgent it is.',
  },
  errorMessage: {
    kind: 'text',
    maxLength: LENGTHS.message.max,
    nullable: true,
    description: 'Why it failed or was cancelled.',
  },
  eventSeq: { kind: 'bigint', description: 'Number of its latest event, to continue from with afterSeq.' },
  createdAt: {
    kind: 'time',
    description: 'When it was planned.',
    filter: 'By when they were planned.',
    order: 'When it was planned.',
  },
  startedAt: {
    kind: 'time',
    nullable: true,
    description: 'When it started.',
    filter: 'By when they started.',
    order: 'When it started.',
  },
  completedAt: {
    kind: 'time',
    nullable: true,
    description: 'When it ended, in any way.',
    filter: 'By when they ended.',
    order: 'When it ended.',
  },
  firstOutcomeAt: {
    kind: 'time',
    nullable: true,
    description:
      'When the first of its runs ended, also if its outcome is kept no longer; null before one did.',
    filter: 'By when the first of their runs ended.',
    order: 'When the first of its runs ended.',
  },
  lastOutcomeAt: {
    kind: 'time',
    nullable: true,
    description:
      'When the last of its runs ended, also if its outcome is kept no longer; null before one did.',
    filter: 'By when the last of their runs ended.',
    order: 'When the last of its runs ended.',
  },
})

export const Simulation = builder.prismaNode('Simulation', {
  id: { field: 'simulationId' },
  nullable: true,
  description:
    'One evaluation: a configuration version run over a set of scenarios, each once per repetition.',
  select: { simulationId: true },
  fields: (t) => ({
    ...simulationColumns.fields(t),
    completionPercent: t.float({
      select: { completedScenarios: true, totalScenarios: true },
      extensions: { read: () => COMPLETION_PERCENT } satisfies ReadInStatement,
      description: 'Share of the runs that ended, 0 to 100.',
      resolve: ({ completedScenarios, totalScenarios }) => (100 * completedScenarios) / totalScenarios,
    }),
    runtimeMs: t.field({
      type: 'SafeInt',
      nullable: true,
      select: { startedAt: true, completedAt: true },
      extensions: { read: ({ now }) => runtimeMs(now()) } satisfies ReadInStatement,
      description: 'Milliseconds from start to end, or until now while it is running; null before it starts.',
      resolve: ({ startedAt, completedAt }) =>
        startedAt &&
        (completedAt?.getTime() ?? Math.max(databaseNow().getTime(), startedAt.getTime())) -
          startedAt.getTime(),
    }),
    configVersion: t.field(
      shownRelation('Simulation', 'configVersion', ConfigVersion, 'The configuration version that it runs.'),
    ),
  }),
})

export const simulationPages = defineStoredList('Simulation', {
  model: 'Simulation',
  type: Simulation,
  columns: simulationColumns,
  keys: ['simulationId'],
  defaultOrder: ['createdAt', 'desc'],
  filter: 'Filters simulations; all conditions must match.',
  filters: {
    configId: byRelated(
      'configVersion',
      configVersionColumns.filter('configId', 'By the key of the configuration that they run.'),
    ),
    model: byRelated(
      'configVersion',
      configVersionColumns.filter('model', 'By the model of the version that they run.'),
    ),
    scenarioId: byElement(
      simulationColumns.column('scenarioSet'),
      'By scenario: those that run a matching one.',
    ),
  },
})

builder.prismaObjectField(ConfigVersion, 'simulations', (t) =>
  t.field(
    simulationPages.under(
      { key: 'versionId', field: 'configVersionId', type: 'uuid' },
      'The simulations that ran this version, newest first.',
    ),
  ),
)

builder.prismaObjectField(Configuration, 'simulations', (t) =>
  t.field(
    simulationPages.under(
      { key: 'configId', field: 'configId', type: 'uuid', through: ['configVersion'] },
      'The simulations that ran any of its versions, newest first.',
    ),
  ),
)

builder.queryFields((t) => ({
  simulation: t.field(simulationPages.byKey('A simulation by its key.')),
  simulations: t.field(simulationPages.root('The tenant’s simulations, newest first.')),
  activeSimulations: t.field(
    simulationPages.root(
      'The simulations that are pending or running, newest first.',
      among(simulationColumns.column('status'), ['pending', 'running']),
    ),
  ),
}))
