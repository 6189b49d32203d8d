import type { Outcome as OutcomeRow } from '../db/generated/client.ts'
import { comparedOutcomes, outcomeOf, trajectoriesSource } from '../evaluation/outcomes/outcomeAnswer.ts'
import {
  type AlignedStep,
  diffTrajectories,
  stepsOf,
  type TrajectoryDiff,
} from '../evaluation/outcomes/trajectoryDiff.ts'
import { readTrajectories } from '../evaluation/outcomes/trajectoryStore.ts'
import { parseExactly } from '../exactNumbers.ts'
import type { JsonValue } from '../json.ts'
import { computedFrom } from '../reads/answers/pages.ts'
import type { Computation, ComputedPart } from '../reads/answers/parts.ts'
import { builder } from './builder/builder.ts'
import { computation } from './builder/computation.ts'
import type { PlannedField, ReadInStatement } from './builder/fieldRead.ts'
import { pageArgs } from './lists/connection.ts'
import { defineNumberedList, numberedRange } from './lists/numberedList.ts'
import { findOutcome, Outcome } from './outcome.ts'
import { TrajectoryStep } from './trajectory.ts'

/** In rows that are read: two whole trajectories are, and compared. */
const DIFF_COST = 200

const StepChangeEnum = builder.enumType('StepChange', {
  description: 'How a step of one trajectory stands to one of the other.',
  values: {
    SAME: {
      value: 'same',
      description:
        'The same calls with the same arguments; the same text but for ids, numbers, times and paths.',
    },
    CHANGED: {
      value: 'changed',
      description: 'A step of the same kind with the same tools, but other arguments or another text.',
    },
    ONLY_BASELINE: { value: 'only_baseline', description: 'Only the baseline has it.' },
    ONLY_CANDIDATE: { value: 'only_candidate', description: 'Only the candidate has it.' },
  } as const,
})

type ShownStep = AlignedStep & { baseline: JsonValue[]; candidate: JsonValue[] }

const stepOf = (list: JsonValue[], index: number | null) =>
  index === null ? null : { index, content: list[index]! }

const AlignedStepType = builder.objectRef<ShownStep>('AlignedStep').implement({
  description: 'A step of one trajectory beside one of the other.',
  fields: (t) => ({
    position: t.exposeInt('position', { description: 'Its position among them, from 0.' }),
    change: t.field({
      type: StepChangeEnum,
      description: 'How they stand to each other.',
      resolve: ({ change }) => change,
    }),
    tools: t.exposeStringList('tools', {
      description: 'The tools that are called there; the candidate’s where both have the step.',
    }),
    baseline: t.field({
      type: TrajectoryStep,
      nullable: true,
      description: 'The baseline’s step; null where it has none.',
      resolve: ({ baseline, baselineIndex }) => stepOf(baseline, baselineIndex),
    }),
    candidate: t.field({
      type: TrajectoryStep,
      nullable: true,
      description: 'The candidate’s step; null where it has none.',
      resolve: ({ candidate, candidateIndex }) => stepOf(candidate, candidateIndex),
    }),
  }),
})

const alignedStepPages = defineNumberedList('AlignedStep', AlignedStepType, ({ position }) => position)

interface Compared {
  diff: TrajectoryDiff
  lists: Pick<ShownStep, 'baseline' | 'candidate'>
}

interface Shown extends Compared {
  outcomes: Record<'baseline' | 'candidate', Pick<OutcomeRow, 'outcomeId'>>
}

async function compare(baseline: JsonValue, candidate: JsonValue): Promise<Compared> {
  return {
    diff: await diffTrajectories(baseline, candidate),
    lists: { baseline: stepsOf(baseline), candidate: stepsOf(candidate) },
  }
}

/** What both trajectories are compared by, for all fields below. */
const comparison = (outcomeIds: readonly [string, string]) =>
  computation(async (_, read) => {
    const [baseline, candidate] = parseExactly(read) as [JsonValue, JsonValue]
    return [await compare(baseline, candidate)]
  }, trajectoriesSource(outcomeIds))

/** A field that shows something of the comparison. */
function ofComparison<Value, Args = unknown>(shown: (compared: Compared, args: Args) => Value) {
  return {
    extensions: {
      read: ({ args, told, writer }: PlannedField<Args, Computation>): ComputedPart => {
        const write = writer()
        return { is: 'computed', of: told, json: (compared) => write(shown(compared as Compared, args)) }
      },
    },
    resolve: (compared: Shown, args: Args): Value => shown(compared, args),
  }
}

const outcomeIn = (side: 'baseline' | 'candidate', description: string) =>
  ({
    type: Outcome,
    nullable: true,
    description,
    extensions: { read: ({ members }) => outcomeOf(`${side}Id`, members()) } satisfies ReadInStatement,
  }) as const

type StepsArgs = Parameters<typeof numberedRange>[0]

const TrajectoryDiffType = builder.objectRef<Shown>('TrajectoryDiff').implement({
  description: 'What two agents did, step by step: the first list of each trajectory, aligned.',
  fields: (t) => ({
    baseline: t.prismaField({
      ...outcomeIn('baseline', 'What is compared with.'),
      resolve: (query, { outcomes }, _, context) => findOutcome(context, query, outcomes.baseline.outcomeId),
    }),
    candidate: t.prismaField({
      ...outcomeIn('candidate', 'What is compared.'),
      resolve: (query, { outcomes }, _, context) => findOutcome(context, query, outcomes.candidate.outcomeId),
    }),
    same: t.int({
      description: 'Steps that are the same.',
      ...ofComparison(({ diff }) => diff.counts.same),
    }),
    changed: t.int({
      description: 'Steps that changed.',
      ...ofComparison(({ diff }) => diff.counts.changed),
    }),
    onlyBaseline: t.int({
      description: 'Steps that only the baseline has.',
      ...ofComparison(({ diff }) => diff.counts.only_baseline),
    }),
    onlyCandidate: t.int({
      description: 'Steps that only the candidate has.',
      ...ofComparison(({ diff }) => diff.counts.only_candidate),
    }),
    firstDifference: t.field({
      type: AlignedStepType,
      nullable: true,
      description: 'Where they part; null where all steps are the same.',
      ...ofComparison(({ diff, lists }) => diff.firstDifference && { ...diff.firstDifference, ...lists }),
    }),
    firstCallDifference: t.field({
      type: AlignedStepType,
      nullable: true,
      description:
        'Where the tools that they call, or the arguments, part; null where none do. What is said differs each time.',
      ...ofComparison(
        ({ diff, lists }) => diff.firstCallDifference && { ...diff.firstCallDifference, ...lists },
      ),
    }),
    isAligned: t.boolean({
      description:
        'False where they are too different to be aligned (more than 2,000 steps to remove and add): then steps are paired by position.',
      ...ofComparison(({ diff }) => diff.isAligned),
    }),
    steps: t.field({
      type: alignedStepPages.type,
      description: 'The steps of both, in order.',
      args: pageArgs,
      ...pageOfSteps(),
    }),
  }),
})

function pageOfSteps() {
  const { extensions, resolve } = ofComparison(({ diff: { steps }, lists }, args: StepsArgs) => {
    const { after, before, first, last } = numberedRange(args)
    const within = { from: (after ?? -1) + 1, to: Math.min(before ?? steps.length, steps.length) }
    const from = last === null ? within.from : Math.max(within.from, within.to - last)
    const to = first === null ? within.to : Math.min(within.to, from + first)
    return alignedStepPages.connectionOf({
      rows: steps.slice(from, Math.max(from, to)).map((step) => ({ ...step, ...lists })),
      firstNumber: 0,
      lastNumber: steps.length - 1,
      totalCount: steps.length,
    })
  })
  const read = (field: PlannedField<StepsArgs, Computation>) => {
    // Refused before the trajectories are read.
    numberedRange(field.args)
    return extensions.read(field)
  }
  return { extensions: { page: true, read }, resolve }
}

builder.queryField('trajectoryDiff', (t) =>
  t.field({
    type: TrajectoryDiffType,
    nullable: true,
    description: 'Where the trajectories of two outcomes part; null when one of these is not there.',
    args: {
      baselineOutcomeId: t.arg({
        type: 'UUID',
        required: true,
        description: 'The key of the outcome to compare with.',
      }),
      candidateOutcomeId: t.arg({
        type: 'UUID',
        required: true,
        description: 'The key of the outcome to compare.',
      }),
    },
    extensions: {
      cost: DIFF_COST,
      read: ({ args: { baselineOutcomeId: baseline, candidateOutcomeId: candidate }, members }) => ({
        is: 'row',
        from: (own) => computedFrom(own, comparedOutcomes(baseline, candidate)),
        members: members(undefined, comparison([baseline, candidate])),
        nullable: true,
      }),
    } satisfies ReadInStatement,
    resolve: async (_, { baselineOutcomeId, candidateOutcomeId }, context): Promise<Shown | null> => {
      const { reads } = context
      const select = { select: { outcomeId: true, executionTime: true } }
      const [baseline, candidate] = await Promise.all(
        [baselineOutcomeId, candidateOutcomeId].map((id) => findOutcome(context, select, id)),
      )
      if (!baseline || !candidate) return null
      const distinct = [...new Map([baseline, candidate].map((key) => [key.outcomeId, key])).values()]
      const trajectories = await readTrajectories(reads, distinct, reads.bytesLeft)
      if (!trajectories) throw reads.tooLarge()
      return {
        ...(await compare(trajectories[0]!, trajectories.at(-1)!)),
        outcomes: { baseline, candidate },
      }
    },
  }),
)
