import type { GraphQLResolveInfo } from 'graphql'
import {
  type FlakinessOf,
  type ScenarioFlakiness,
  scenarioFlakiness,
} from '../evaluation/comparison/flakinessStore.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import type { ParentKeys } from '../reads/computedPages.ts'
import type { Condition } from '../reads/condition.ts'
import type { PageArgs } from '../reads/pagePlan.ts'
import { Refusal } from '../refusal.ts'
import { builder } from './builder/builder.ts'
import type { Context } from './builder/context.ts'
import type { PlannedField, ReadInStatement } from './builder/fieldRead.ts'
import { ConfigVersion } from './configVersion.ts'
import { Columns } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import { byColumn } from './lists/filters.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

/** In rows that are read: all outcomes of a simulation are. */
const FLAKINESS_COST = 100
const DEFAULT_STABLE_FROM = 3
const DEFAULT_SIMULATIONS = 10
const MOST_SIMULATIONS = 20

const Stability = builder.enumType('ScenarioStability', {
  description: 'Whether the runs of a scenario agree.',
  values: {
    FLAKY: { value: 'flaky', description: 'Some succeeded and some failed.' },
    STABLE_PASS: { value: 'stable_pass', description: 'All succeeded, often enough to be called so.' },
    STABLE_FAIL: { value: 'stable_fail', description: 'All failed, likewise.' },
    UNKNOWN: { value: 'unknown', description: 'They agree, and are too few to be called stable.' },
  } as const,
})

const flakinessColumns = new Columns<ScenarioFlakiness>({
  scenarioId: { kind: 'text', description: 'The scenario’s key.', order: 'The scenario.' },
  stability: {
    kind: 'enum',
    enum: Stability,
    description: 'Whether its runs agree.',
    filter: 'By whether runs agree.',
  },
  repetitions: {
    kind: 'integer',
    description:
      'Its runs that ended, each by its last attempt; where some are graded, without those that ended well and are not.',
    filter: 'By the number of runs.',
    order: 'How many runs it has.',
  },
  simulations: { kind: 'integer', description: 'The simulations that have them.' },
  succeeded: { kind: 'integer', description: 'Those that succeeded.' },
  passRate: {
    kind: 'number',
    description: 'Their share, 0 to 1.',
    filter: 'By the share that succeeded.',
    order: 'The share that succeeded.',
  },
  passRateLower: {
    kind: 'number',
    description: 'Lower end of its 95 % confidence interval (Wilson’s).',
  },
  passRateUpper: { kind: 'number', description: 'Upper end of it.' },
  disagreement: {
    kind: 'number',
    nullable: true,
    description:
      'Probability that two of its runs end differently, 0 to 1, without bias; null of fewer than two.',
    filter: 'By the probability that two runs end differently.',
    order: 'The probability that two of its runs end differently.',
  },
  entropyBits: {
    kind: 'number',
    description: 'Entropy of the share, in bits: 0 where all agree, 1 where half succeed.',
  },
})

const ScenarioFlakinessType = builder.objectRef<ScenarioFlakiness>('ScenarioFlakiness').implement({
  description: 'How much the runs of one scenario agree.',
  fields: (t) => ({
    ...flakinessColumns.fields(t),
    scenario: t.prismaField({
      type: Scenario,
      nullable: true,
      description: 'The scenario as it is now; null when it was deleted.',
      extensions: {
        read: ({ members }) => relatedRow('scenarios', [['scenarioId', 'scenarioId']], members(), true),
      } satisfies ReadInStatement,
      resolve: (query, { scenarioId }, _, { reads }) =>
        reads.client.scenario.findUnique({ ...query, where: { scenarioId } }),
    }),
  }),
})

const flakinessPages = defineComputedList('ScenarioFlakiness', {
  type: ScenarioFlakinessType,
  cost: FLAKINESS_COST,
  columns: flakinessColumns,
  keys: ['scenarioId'],
  defaultOrder: ['disagreement', 'desc'],
  filter: 'Filters scenarios by how their runs agree; all conditions must match.',
  of: { scenarioId: byColumn({ field: 'scenarioId', kind: 'text' }, 'By scenario.') },
})

const stableFromArg = {
  required: true as const,
  defaultValue: DEFAULT_STABLE_FROM,
  description: 'From so many runs that agree on a scenario is called stable, 2 to 1,000.',
}

type FlakinessArgs = PageArgs & { stableFrom: number; simulations?: number }

/** @throws Refusal BAD_USER_INPUT */
function rowsOf({ stableFrom, simulations }: FlakinessArgs) {
  const check = (value: number, name: string, least: number, most: number) => {
    if (value < least || value > most)
      throw new Refusal('BAD_USER_INPUT', `${name} is ${value}, but must be ${least} to ${most}.`, [name])
  }
  check(stableFrom, 'stableFrom', 2, 1_000)
  if (simulations !== undefined) check(simulations, 'simulations', 1, MOST_SIMULATIONS)
  const of: FlakinessOf =
    simulations === undefined ? { of: 'simulation' } : { of: 'configVersion', simulations }
  return (parents: ParentKeys, where: Condition) => scenarioFlakiness(of, stableFrom, parents, where)
}

/** A list under a simulation or a version. */
const listUnder = <Key extends string>(key: Key, cost: number, description: string) => ({
  type: flakinessPages.options.type,
  description,
  extensions: {
    page: true,
    cost,
    read: (field: PlannedField<FlakinessArgs>) =>
      flakinessPages.readInStatement(rowsOf(field.args), key, field),
  },
  resolve: (
    row: { [key in Key]: string },
    { stableFrom, simulations, ...args }: FlakinessArgs,
    context: Context,
    info: GraphQLResolveInfo,
  ) =>
    flakinessPages.read(
      rowsOf({ stableFrom, ...(simulations !== undefined && { simulations }) }),
      row[key],
      args,
      context,
      info,
    ),
})

builder.prismaObjectField(Simulation, 'flakiness', (t) =>
  t.field({
    ...listUnder(
      'simulationId',
      FLAKINESS_COST,
      'Its scenarios by how much their repetitions agree, the flakiest first.',
    ),
    select: { simulationId: true },
    args: { ...flakinessPages.options.args, stableFrom: t.arg.int(stableFromArg) },
  }),
)

builder.prismaObjectField(ConfigVersion, 'flakiness', (t) =>
  t.field({
    ...listUnder(
      'versionId',
      5 * FLAKINESS_COST,
      'The scenarios of its latest simulations by how much their runs agree, the flakiest first.',
    ),
    select: { versionId: true },
    args: {
      ...flakinessPages.options.args,
      stableFrom: t.arg.int(stableFromArg),
      simulations: t.arg.int({
        required: true,
        defaultValue: DEFAULT_SIMULATIONS,
        description: `How many simulations that have outcomes, by when they were planned, 1 to ${MOST_SIMULATIONS}.`,
      }),
    },
  }),
)
