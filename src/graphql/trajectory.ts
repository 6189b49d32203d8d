import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import {
  type OutcomeKey,
  readParts,
  readSteps,
  readTrajectories,
  stepsPage,
  trajectoryPart,
} from '../evaluation/outcomes/trajectoryStore.ts'
import type { JsonValue } from '../json.ts'
import type { Part } from '../reads/answers/parts.ts'
import { builder } from './builder/builder.ts'
import { type Context, oncePerOperation } from './builder/context.ts'
import type { PlannedField } from './builder/fieldRead.ts'
import { Columns } from './lists/columns.ts'
import { pageArgs } from './lists/connection.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { checkJsonPath, STEPS } from './lists/jsonPath.ts'
import { defineNumberedList, NUMBER, numberedRange } from './lists/numberedList.ts'
import { Outcome } from './outcome.ts'

/** What a trajectory costs, in rows without one: it may be megabytes, and is kilobytes mostly. */
const TRAJECTORY_COST = 10

interface Step {
  index: number
  content: JsonValue
}

const trajectoryStepColumns = new Columns<Step>({
  index: { kind: 'integer', description: 'Its position in the list, from 0.' },
  content: {
    kind: 'json',
    nullable: true,
    description: 'What was done or said; null where the list has null.',
  },
})

export const TrajectoryStep = builder.objectRef<Step>('TrajectoryStep').implement({
  description: 'One step or message of a trajectory.',
  fields: (t) => trajectoryStepColumns.fields(t),
})

type StepsArgs = Parameters<typeof numberedRange>[0] & { path?: string[] | null }

const trajectoryStepPages = defineNumberedList('TrajectoryStep', TrajectoryStep, ({ index }) => index)

builder.prismaObjectFields(Outcome, (t) => ({
  trajectory: t.field({
    type: 'JSON',
    select: { outcomeId: true, executionTime: true },
    extensions: {
      cost: TRAJECTORY_COST,
      read: (): Part => ({ is: 'column', field: 'trajectory', kind: 'json', nullable: false, isHuge: true }),
    },
    description: 'Everything the agent did. May be large: lists read it only when requested.',
    resolve: ({ outcomeId, executionTime }, _, context) =>
      wholeTrajectoriesOf(context).load({ outcomeId, executionTime }),
  }),
  trajectorySteps: t.field({
    type: trajectoryStepPages.type,
    select: { outcomeId: true, executionTime: true },
    extensions: {
      page: true,
      cost: TRAJECTORY_COST,
      read: ({ args: { path, ...args }, page }: PlannedField<StepsArgs>) => {
        if (path) checkJsonPath(path, ['path'])
        return stepsPage(path ?? null, numberedRange(args), NUMBER, page())
      },
    },
    description:
      'The trajectory’s steps or messages, in pages: the database reads out the page, not the whole trajectory.',
    args: {
      ...pageArgs,
      path: t.arg.stringList({
        extensions: STEPS,
        description:
          'Which list of the trajectory; by default the first of messages, steps, traj, full_trajectory and trajectory that it has.',
      }),
    },
    resolve: (key, { path, ...args }, context, info) => {
      if (path) checkJsonPath(path, ['path'])
      const range = numberedRange(args)
      return load(key, context, info, async (keys) =>
        (await readSteps(context.reads, keys, path ?? null, range)).map(({ total, from, steps }) =>
          trajectoryStepPages.connectionOf({
            rows: steps.map((content, index) => ({ index: from + index, content })),
            firstNumber: 0,
            lastNumber: total - 1,
            totalCount: total,
          }),
        ),
      )
    },
  }),
  trajectoryPath: t.field({
    type: 'JSON',
    nullable: true,
    select: { outcomeId: true, executionTime: true },
    extensions: {
      cost: TRAJECTORY_COST,
      read: ({ args: { path } }: PlannedField<{ path: string[] }>) => {
        checkJsonPath(path, ['path'])
        return trajectoryPart(path)
      },
    },
    description: 'One part of the trajectory; null when there is no such part.',
    args: {
      path: t.arg.stringList({
        required: true,
        extensions: STEPS,
        description:
          'The path: keys, and list indexes (from 0; -1 is the last), outermost first, e.g. `["messages", "-1", "content"]`.',
      }),
    },
    resolve: (key, { path }, context, info) => {
      checkJsonPath(path, ['path'])
      return load(key, context, info, (keys) => readParts(context.reads, keys, path))
    },
  }),
}))

/** Whatever an operation's aliases, a trajectory is read once. */
const wholeTrajectoriesOf = oncePerOperation(
  ({ reads }) =>
    new DataLoader<OutcomeKey, JsonValue, string>(
      async (keys) => {
        const trajectories = await readTrajectories(reads, keys, reads.bytesLeft)
        if (!trajectories) throw reads.tooLarge()
        return trajectories
      },
      { cacheKeyFn: (key) => key.outcomeId },
    ),
)

/** All outcomes of a list are read together. */
function load<Value>(
  { outcomeId, executionTime }: OutcomeKey,
  context: Context,
  info: GraphQLResolveInfo,
  read: (keys: readonly OutcomeKey[]) => Promise<Value[]>,
): Promise<Value> {
  const { loader } = sharedByField(
    context,
    info,
    () => new DataLoader<OutcomeKey, Value, string>(read, { cacheKeyFn: (key) => key.outcomeId }),
  )
  return loader.load({ outcomeId, executionTime })
}
