import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import type { JsonValue } from '../evaluation/outcomeRow.ts'
import { type OutcomeKey, readParts, readSteps } from '../evaluation/trajectoryStore.ts'
import { Refusal } from '../refusal.ts'
import { sharedByField } from './batch.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { decodeCursor, encodeCursor, type SortField } from './cursor.ts'
import { checkJsonPath } from './jsonPath.ts'
import { Outcome, TRAJECTORY_COST } from './outcome.ts'
import { checkPageSize, DEFAULT_PAGE_SIZE } from './pageReading.ts'
import { PageInfo } from './pages.ts'

const ORDER: SortField[] = [{ field: 'index', kind: 'integer' }]

interface Step {
  index: number
  content: JsonValue
}

interface StepConnection {
  steps: Step[]
  totalCount: number
}

const TrajectoryStep = builder.objectRef<Step>('TrajectoryStep').implement({
  description: 'One step or message of a trajectory.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its place in the list, from 0.' }),
    content: t.expose('content', {
      type: 'JSON',
      nullable: true,
      description: 'What was done or said; null where the list says null.',
    }),
  }),
})

const TrajectoryStepEdge = builder.objectRef<Step>('TrajectoryStepEdge').implement({
  description: 'One TrajectoryStep of a list.',
  fields: (t) => ({
    cursor: t.string({
      description: 'Its place in the list, for `after` and `before`.',
      resolve: (step) => encodeCursor(ORDER, { ...step }),
    }),
    node: t.field({
      type: TrajectoryStep,
      description: 'The TrajectoryStep itself.',
      resolve: (step) => step,
    }),
  }),
})

const TrajectoryStepConnection = builder.objectRef<StepConnection>('TrajectoryStepConnection').implement({
  description: 'A page of TrajectoryStep objects.',
  fields: (t) => ({
    edges: t.field({
      type: [TrajectoryStepEdge],
      description: 'The steps with their cursors.',
      resolve: ({ steps }) => steps,
    }),
    nodes: t.field({
      type: [TrajectoryStep],
      description: 'The steps without cursors.',
      resolve: ({ steps }) => steps,
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'Where the page stands.',
      resolve: ({ steps, totalCount }) => {
        const [first, last] = [steps[0], steps.at(-1)]
        return {
          hasPreviousPage: first !== undefined && first.index > 0,
          hasNextPage: last !== undefined && last.index + 1 < totalCount,
          startCursor: first ? encodeCursor(ORDER, { ...first }) : null,
          endCursor: last ? encodeCursor(ORDER, { ...last }) : null,
        }
      },
    }),
    totalCount: t.exposeInt('totalCount', {
      description: 'How many steps the list has in all; 0 when there is no list.',
    }),
  }),
})

builder.prismaObjectFields(Outcome, (t) => ({
  trajectorySteps: t.field({
    type: TrajectoryStepConnection,
    select: { outcomeId: true, executionTime: true },
    extensions: { page: true, cost: TRAJECTORY_COST },
    description:
      'The trajectory’s steps or messages, page by page: the database cuts the page out, so that megabytes stay where they are.',
    args: {
      first: t.arg.int({
        description: `How many steps from the front; ${DEFAULT_PAGE_SIZE} when neither first nor last is given.`,
      }),
      after: t.arg.string({ description: 'Only steps behind this cursor.' }),
      last: t.arg.int({ description: 'How many steps from the end.' }),
      before: t.arg.string({ description: 'Only steps in front of this cursor.' }),
      path: t.arg.stringList({
        description:
          'Which list of the trajectory; the first of messages, steps, traj, full_trajectory and trajectory that it has when not given.',
      }),
    },
    resolve: (key, { first, after, last, before, path }, context, info) => {
      checkPageSize(first, last)
      if (path) checkJsonPath(path, ['path'])
      const range = {
        after: after ? indexOf(after, 'after') : null,
        before: before ? indexOf(before, 'before') : null,
        first: first ?? (typeof last === 'number' ? null : DEFAULT_PAGE_SIZE),
        last: last ?? null,
      }
      return load(key, context, info, async (keys) =>
        (await readSteps(context.reads, keys, path ?? null, range)).map(({ total, from, steps }) => ({
          totalCount: total,
          steps: steps.map((content, index) => ({ index: from + index, content })),
        })),
      )
    },
  }),
  trajectoryPath: t.field({
    type: 'JSON',
    nullable: true,
    select: { outcomeId: true, executionTime: true },
    extensions: { cost: TRAJECTORY_COST },
    description: 'One part of the trajectory; null when there is no such part.',
    args: {
      path: t.arg.stringList({
        required: true,
        description:
          'Where: keys, and indexes of lists (from 0; -1 is the last), from the outside in, e.g. `["messages", "-1", "content"]`.',
      }),
    },
    resolve: (key, { path }, context, info) => {
      checkJsonPath(path, ['path'])
      return load(key, context, info, (keys) => readParts(context.reads, keys, path))
    },
  }),
}))

function indexOf(cursor: string, argument: 'after' | 'before'): number {
  const [index] = decodeCursor(ORDER, cursor, argument) as [number]
  // Only what encodeCursor made: lists have no more places than PostgreSQL has integers.
  if (Number.isInteger(index) && index >= 0 && index < 2 ** 31 - 1) return index
  throw new Refusal('CURSOR_INVALID', 'This cursor was not made by this connection.', [argument])
}

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
