import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import {
  type ChangeCounts,
  type ComparedPair,
  type ComparedScenario,
  ComparisonRows,
} from '../evaluation/comparison/comparisonStore.ts'
import type { SimulationPair } from '../evaluation/comparison/pairedValues.ts'
import { computedFrom, onlyOne, relatedRow } from '../reads/answers/pages.ts'
import type { ListPart, RowPart } from '../reads/answers/parts.ts'
import { readComputedRows } from '../reads/computedPages.ts'
import type { PageArgs } from '../reads/pagePlan.ts'
import { Refusal } from '../refusal.ts'
import { builder } from './builder/builder.ts'
import type { Context } from './builder/context.ts'
import type { PlannedField, ReadInStatement } from './builder/fieldRead.ts'
import type { InputBounds } from './builder/inputBounds.ts'
import { Columns, type Lines } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

const MOST_CANDIDATES = 10
/** In rows that are read: all outcomes of both simulations are. */
export const COMPARISON_COST = 200

const ScenarioChangeEnum = builder.enumType('ScenarioChange', {
  description: 'How a scenario went in the candidate, beside the baseline.',
  values: {
    REGRESSED: {
      value: 'regressed',
      description: 'A smaller share of its runs succeeded; or as large a share with a lower mean score.',
    },
    IMPROVED: {
      value: 'improved',
      description: 'A larger share of its runs succeeded; or as large a share with a higher mean score.',
    },
    UNCHANGED: {
      value: 'unchanged',
      description:
        'Neither: share and score differ by no more than the tolerance, or the scores are not known.',
    },
    ONLY_IN_ONE: { value: 'only_in_one', description: 'Only one of the two has runs of it that ended.' },
  } as const,
})

/** Lines for one side of the comparison. */
function linesOfSide<Side extends 'baseline' | 'candidate'>(side: Side): Lines<ComparedScenario> {
  const whose = `the ${side}’s`
  return {
    [`${side}Runs`]: {
      kind: 'integer',
      description: `Its runs that ended in the ${side}, each counted once.`,
      filter: `By how many runs of it ended in the ${side}.`,
      order: `How many runs of it ended in the ${side}.`,
    },
    [`${side}Succeeded`]: { kind: 'integer', description: 'Those that succeeded.' },
    [`${side}SuccessRate`]: {
      kind: 'number',
      nullable: true,
      description: 'Their share, 0 to 1; null when none ended.',
      filter: `By the share of ${whose} runs of it that succeeded.`,
      order: `The share of ${whose} runs of it that succeeded.`,
    },
    [`${side}Score`]: {
      kind: 'number',
      nullable: true,
      description: `Mean score of ${whose} runs of it that have one; null when none has.`,
      filter: `By the mean score of ${whose} runs of it.`,
      order: `The mean score of ${whose} runs of it.`,
    },
    [`${side}CostUsd`]: {
      kind: 'decimal',
      nullable: true,
      description: `Mean cost of one of ${whose} runs of it with all attempts, of those whose cost is known; null when of none.`,
      order: `The mean cost of ${whose} runs of it.`,
    },
    [`${side}Tokens`]: {
      kind: 'number',
      nullable: true,
      description: `Mean tokens of one of ${whose} runs of it with all attempts, of those whose tokens are known; null when of none.`,
    },
    [`${side}DurationMs`]: {
      kind: 'number',
      nullable: true,
      description: `Mean milliseconds of ${whose} runs of it; null when unknown.`,
      order: `The mean duration of ${whose} runs of it.`,
    },
    [`${side}Dimension`]: {
      kind: 'number',
      nullable: true,
      description: `Mean of the dimension that is asked for over ${whose} runs of it that have it; null when none has.`,
      filter: `By the mean of the dimension over ${whose} runs of it.`,
      order: `The mean of the dimension over ${whose} runs of it.`,
    },
    [`${side}Revision`]: {
      kind: 'integer',
      nullable: true,
      description: `Its revision when the ${side} was planned; null when that has no runs of it.`,
    },
  } as Lines<ComparedScenario>
}

const LESS = 'The candidate’s less the baseline’s; null where one is not known.'

const scenarioColumns = new Columns<ComparedScenario>({
  scenarioId: {
    kind: 'text',
    description: 'The scenario’s key.',
    filter: 'By scenario.',
    order: 'The scenario.',
  },
  change: {
    kind: 'enum',
    enum: ScenarioChangeEnum,
    description: 'How it went in the candidate, beside the baseline.',
    filter: 'By how they went.',
  },
  revisionDiffers: {
    kind: 'boolean',
    description: 'Whether its prompt or expected answer changed between the two.',
    filter: 'Whether its prompt or expected answer changed between the two; all by default.',
  },
  ...linesOfSide('baseline'),
  ...linesOfSide('candidate'),
  successRateDifference: {
    kind: 'number',
    nullable: true,
    description: `Of the shares that succeeded; null also where some succeeded on a side that has no score, beside one that has. ${LESS}`,
    filter: 'By the difference of the shares that succeeded.',
    order: 'The difference of the shares that succeeded.',
  },
  scoreDifference: {
    kind: 'number',
    nullable: true,
    description: `Of the mean scores. ${LESS}`,
    filter: 'By the difference of the mean scores.',
    order: 'The difference of the mean scores.',
  },
  costDifferenceUsd: {
    kind: 'decimal',
    nullable: true,
    description: `Of the mean costs. ${LESS}`,
    filter: 'By the difference of the mean costs.',
    order: 'The difference of the mean costs.',
  },
  tokensDifference: {
    kind: 'number',
    nullable: true,
    description: `Of the mean tokens. ${LESS}`,
    order: 'The difference of the mean tokens.',
  },
  durationDifferenceMs: {
    kind: 'number',
    nullable: true,
    description: `Of the mean milliseconds. ${LESS}`,
    filter: 'By the difference of the mean milliseconds.',
    order: 'The difference of the mean milliseconds.',
  },
  dimensionDifference: {
    kind: 'number',
    nullable: true,
    description: `Of the means of the dimension that is asked for. ${LESS}`,
    filter: 'By the difference of the means of the dimension.',
    order: 'The difference of the means of the dimension.',
  },
})

const ComparedScenarioType = builder.objectRef<ComparedScenario>('ComparedScenario').implement({
  description:
    'One scenario in two simulations: its repetitions are averaged, and a run that was tried again counts once.',
  fields: (t) => ({
    ...scenarioColumns.fields(t),
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

const scenarioPages = defineComputedList('ComparedScenario', {
  type: ComparedScenarioType,
  cost: COMPARISON_COST,
  columns: scenarioColumns,
  keys: ['scenarioId'],
  defaultOrder: ['scenarioId', 'asc'],
  filter: 'Filters compared scenarios; all conditions must match.',
})

const countColumns = new Columns<ChangeCounts>({
  scenarios: { kind: 'integer', description: 'All of which one of the two has runs that ended.' },
  regressed: { kind: 'integer', description: 'Those that went worse in the candidate.' },
  improved: { kind: 'integer', description: 'Those that went better in it.' },
  unchanged: { kind: 'integer', description: 'Those that did neither.' },
  onlyInOne: { kind: 'integer', description: 'Those of which only one has runs that ended.' },
  revisionDiffers: {
    kind: 'integer',
    description: 'Those whose prompt or expected answer changed between the two, whatever became of them.',
  },
})

const ChangeCountsType = builder.objectRef<ChangeCounts>('ScenarioChangeCounts').implement({
  description: 'How many scenarios changed how.',
  fields: (t) => ({ ...countColumns.fields(t) }),
})

interface Asked {
  rows: ComparisonRows
  /** All that are compared, in their order. */
  pairs: readonly SimulationPair[]
}

type ScenarioArgs = PageArgs & { dimension?: string | null }

/** Longer paths are no dimensions. */
export const LONGEST_DIMENSION = 200

const pairColumns = new Columns<ComparedPair>({
  baselineId: { kind: 'uuid', description: 'The key of the baseline.' },
  candidateId: { kind: 'uuid', description: 'The key of the candidate.' },
})

const simulationOf = (side: 'baseline' | 'candidate', description: string) =>
  ({
    type: Simulation,
    nullable: true,
    description,
    extensions: {
      read: ({ members }) => relatedRow('simulations', [[`${side}Id`, 'simulationId']], members(), true),
    } satisfies ReadInStatement,
  }) as const

export const SimulationComparison = builder
  .objectRef<ComparedPair & Asked>('SimulationComparison')
  .implement({
    description: 'Two simulations side by side. Where one of them is not there, nothing is compared.',
    fields: (t) => ({
      ...pairColumns.fields(t),
      baseline: t.prismaField({
        ...simulationOf('baseline', 'What is compared with; null when there is no such simulation.'),
        resolve: (query, { baselineId }, _, { reads }) =>
          reads.client.simulation.findUnique({ ...query, where: { simulationId: baselineId } }),
      }),
      candidate: t.prismaField({
        ...simulationOf('candidate', 'What is compared; null when there is no such simulation.'),
        resolve: (query, { candidateId }, _, { reads }) =>
          reads.client.simulation.findUnique({ ...query, where: { simulationId: candidateId } }),
      }),
      counts: t.field({
        type: ChangeCountsType,
        description: 'How many scenarios changed how.',
        extensions: {
          cost: COMPARISON_COST,
          read: ({ members, told: rows }: PlannedField<unknown, ComparisonRows>): RowPart => ({
            is: 'row',
            from: (own, outer) => computedFrom(own, rows.counts(onlyOne(outer.column('parent')))),
            members: members(),
            nullable: false,
          }),
        },
        resolve: ({ rows, parent }, _, context, info) => {
          const { loader } = sharedByField(
            context,
            info,
            () =>
              new DataLoader<string, ChangeCounts>(async (pairs) => {
                const found = await readComputedRows<ChangeCounts & { parent: string }>(
                  context.reads,
                  rows.counts(pairs),
                )
                const byPair = new Map(found.map((counts) => [counts.parent, counts]))
                return pairs.map((pair) => byPair.get(pair)!)
              }),
          )
          return loader.load(parent)
        },
      }),
      scenarios: t.field({
        ...scenarioPages.options,
        args: {
          ...scenarioPages.options.args,
          dimension: t.arg.string({
            extensions: { bounds: { characters: LONGEST_DIMENSION } satisfies InputBounds },
            description:
              'Which dimension of the runs’ metrics is shown, filtered and ordered by: its path of one or two keys, e.g. `judge.tone`; none by default.',
          }),
        },
        description: 'Their scenarios side by side, those of either, by key.',
        extensions: {
          page: true,
          cost: COMPARISON_COST,
          read: (field: PlannedField<ScenarioArgs, ComparisonRows>) =>
            scenarioPages.readInStatement(
              (pairs) => field.told.scenarios(pairs, field.args.dimension),
              'parent',
              field,
            ),
        },
        resolve: (
          { rows, parent },
          { dimension, ...args }: ScenarioArgs,
          context: Context,
          info: GraphQLResolveInfo,
        ) => scenarioPages.read((pairs) => rows.scenarios(pairs, dimension), parent, args, context, info),
      }),
    }),
  })

interface ComparisonArgs {
  baseline: string
  candidates: readonly string[]
  tolerance: number
}

/** @throws Refusal BAD_USER_INPUT for a tolerance that is none, and no candidate. */
function rowsOf({ baseline, candidates, tolerance }: ComparisonArgs): ComparisonRows {
  if (candidates.length === 0)
    throw new Refusal('BAD_USER_INPUT', 'candidates is empty: name one simulation or more.', ['candidates'])
  if (!(tolerance >= 0 && tolerance <= 1))
    throw new Refusal('BAD_USER_INPUT', `tolerance is ${tolerance}, but must be 0 to 1.`, ['tolerance'])
  return new ComparisonRows(baseline, candidates, tolerance)
}

builder.queryField('compareSimulations', (t) =>
  t.field({
    type: [SimulationComparison],
    description:
      'Compares simulations with a baseline, scenario by scenario; one comparison for each candidate, in their order.',
    args: {
      baseline: t.arg({
        type: 'UUID',
        required: true,
        description: 'The key of the simulation to compare with.',
      }),
      candidates: t.arg({
        type: ['UUID'],
        required: true,
        extensions: { bounds: { entries: MOST_CANDIDATES } satisfies InputBounds },
        description: `The keys of the simulations to compare, ${MOST_CANDIDATES} at most.`,
      }),
      tolerance: t.arg.float({
        required: true,
        defaultValue: 0,
        description: 'Shares of runs and mean scores (0 to 1) that differ by no more count as equal.',
      }),
    },
    extensions: {
      read: ({ args, members }: PlannedField<ComparisonArgs>): ListPart => {
        const rows = rowsOf(args)
        return {
          is: 'list',
          from: (own) => computedFrom(own, rows.pairs(), 'place'),
          members: members(undefined, rows),
        }
      },
    },
    resolve: async (_, args, { reads }): Promise<(ComparedPair & Asked)[]> => {
      const rows = rowsOf(args)
      const pairs = await readComputedRows<ComparedPair>(reads, rows.pairs(), 'place')
      const all = pairs.map(({ baselineId, candidateId }): SimulationPair => [baselineId, candidateId])
      return pairs.map((pair) => ({ ...pair, rows, pairs: all }))
    },
  }),
)
