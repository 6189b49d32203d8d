import DataLoader from 'dataloader'
import { type Change, latestChange, noSuchChange, readChanges } from '../live/changeStore.ts'
import { type Progress, readEventRanges, type SimulationEvent } from '../live/eventStore.ts'
import { MAX_PAGE_SIZE } from '../reads/pagePlan.ts'
import { Refusal } from '../refusal.ts'
import { integer, optionalInteger } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import { pageArgs } from './lists/connection.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { defineNumberedList, numberedRange } from './lists/numberedList.ts'
import { Simulation, SimulationStatusEnum } from './simulation.ts'

const ProgressInterface = builder.interfaceRef<Progress>('ProgressState').implement({
  description: 'The state of a simulation at one moment.',
  fields: (t) => ({
    simulationId: t.expose('simulationId', { type: 'UUID', description: 'The simulation’s key.' }),
    seq: t.expose('seq', {
      type: 'SafeInt',
      description: 'Number of the event that led here; 0 before the first.',
    }),
    status: t.expose('status', {
      type: SimulationStatusEnum,
      description: 'The simulation’s status.',
    }),
    totalScenarios: t.exposeInt('totalScenarios', { description: 'Total number of runs.' }),
    completedScenarios: t.exposeInt('completedScenarios', {
      description: 'Runs that ended, in any way: succeededScenarios + failedScenarios.',
    }),
    succeededScenarios: t.exposeInt('succeededScenarios', { description: 'Runs that succeeded.' }),
    failedScenarios: t.exposeInt('failedScenarios', { description: 'Runs that ended in any other way.' }),
    completionPercent: t.float({
      description: 'Share of the runs that ended, 0 to 100.',
      resolve: ({ completedScenarios, totalScenarios }) => (100 * completedScenarios) / totalScenarios,
    }),
    currentScore: t.float({
      nullable: true,
      description: 'Mean score of the graded runs; null while there is none.',
      resolve: ({ meanScore }) => meanScore,
    }),
    totalTokens: t.expose('totalTokens', {
      type: 'SafeInt',
      nullable: true,
      description: 'Tokens so far; null while none are known.',
    }),
    totalCostUsd: t.expose('totalCostUsd', {
      type: 'Usd',
      nullable: true,
      description: 'Cost so far; null while none is known.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'The time of this state.' }),
    simulation: t.prismaField({
      type: Simulation,
      nullable: true,
      description: 'The simulation itself; null while it is deleted.',
      resolve: (query, { simulationId }, _, { reads }) =>
        reads.client.simulation.findUnique({ ...query, where: { simulationId } }),
    }),
  }),
})

const SimulationProgress = builder.objectRef<Progress>('SimulationProgress').implement({
  description: 'The progress of a simulation: its latest state, not each step.',
  interfaces: [ProgressInterface],
})

const EventKindEnum = builder.enumType('SimulationEventKind', {
  description: 'What happened to a simulation.',
  values: {
    STARTED: { value: 'STARTED', description: 'It started, or was reopened.' },
    PROGRESS: { value: 'PROGRESS', description: 'Outcomes were stored or amended, or runs were added.' },
    COMPLETED: { value: 'COMPLETED', description: 'It ran to completion.' },
    FAILED: { value: 'FAILED', description: 'It failed.' },
    CANCELLED: { value: 'CANCELLED', description: 'It was stopped.' },
    AMENDED: { value: 'AMENDED', description: 'Outcomes were amended after it had ended.' },
    DELETED: { value: 'DELETED', description: 'It was deleted.' },
    RESTORED: { value: 'RESTORED', description: 'Its deletion was taken back.' },
  } as const,
})

const SimulationEventType = builder.objectRef<SimulationEvent>('SimulationEvent').implement({
  description: 'One step of a simulation, and its state afterwards.',
  interfaces: [ProgressInterface],
  fields: (t) => ({
    kind: t.expose('kind', { type: EventKindEnum, description: 'What happened.' }),
  }),
})

const simulationEventPages = defineNumberedList(
  'SimulationEvent',
  SimulationEventType,
  ({ seq }: SimulationEvent) => seq,
)

builder.prismaObjectField(Simulation, 'events', (t) =>
  t.field({
    type: simulationEventPages.type,
    select: { simulationId: true, eventSeq: true },
    extensions: { page: true },
    description: 'Its steps so far, in order; the subscription simulationEvents continues from there.',
    args: pageArgs,
    resolve: async ({ simulationId, eventSeq }, args, context, info) => {
      const { after, before, first, last } = numberedRange(args)
      const { loader } = sharedByField(
        context,
        info,
        () =>
          new DataLoader<Range, SimulationEvent[], string>(
            (ranges) => readEventRanges(context.reads, ranges),
            {
              cacheKeyFn: (range) => range.simulationId,
            },
          ),
      )
      // Events are numbered from 1, without a gap.
      const total = Number(eventSeq)
      const from = (after ?? 0) + 1
      const to = Math.min((before ?? total + 1) - 1, total)
      const high = first === null ? to : Math.min(to, from + first - 1)
      const low = last === null ? from : Math.max(from, high - last + 1)
      const rows = await loader.load({ simulationId, low, high })
      return simulationEventPages.connectionOf({ rows, firstNumber: 1, lastNumber: total, totalCount: total })
    },
  }),
)

const ChangeType = builder.objectRef<Change>('Change').implement({
  description: 'A step of one of the tenant’s simulations.',
  fields: (t) => ({
    seq: t.expose('seq', {
      type: 'SafeInt',
      description:
        'Its number among all steps of the tenant, from 1, in the order in which they were stored.',
    }),
    event: t.expose('event', { type: SimulationEventType, description: 'The step.' }),
  }),
})

builder.queryField('latestChange', (t) =>
  t.field({
    type: 'SafeInt',
    description:
      'The number of the tenant’s latest change, to follow `changes` from now on; 0 before the first.',
    resolve: (_, __, { reads }) => latestChange(reads),
  }),
)

builder.queryField('changes', (t) =>
  t.field({
    type: [ChangeType],
    description:
      'Every step of every simulation of the tenant, once, in an order in which nothing appears later below a number that was read: continue with the last `seq`, on any server, at any time. Outcomes of a step have `event.seq` as their `eventSeq`.',
    args: {
      afterSeq: t.arg({
        type: 'SafeInt',
        required: true,
        defaultValue: 0,
        description: 'Only steps with higher numbers; 0 starts with the first.',
      }),
      first: t.arg.int({
        required: true,
        defaultValue: 100,
        description: `How many, 1 to ${MAX_PAGE_SIZE}.`,
      }),
    },
    resolve: async (_, { afterSeq: after, first }, { reads }) => {
      integer(after, 0, Number.MAX_SAFE_INTEGER, ['afterSeq'])
      const limit = integer(first, 1, MAX_PAGE_SIZE, ['first'])
      const changes = await readChanges(reads, after, limit)
      if (changes.length === 0 && after > 0) {
        const latest = await latestChange(reads)
        if (after > latest) throw noSuchChange(after, latest)
      }
      return changes
    },
  }),
)

type Range = Parameters<typeof readEventRanges>[1][number]

builder.subscriptionFields((t) => ({
  simulationProgress: t.field({
    type: SimulationProgress,
    description:
      'The progress of a simulation now, and again whenever it changes. A slow client gets the latest state, never a queue of old ones. Ends with the simulation.',
    args: { simulationId: t.arg({ type: 'UUID', required: true, description: 'Its key.' }) },
    subscribe: (_, { simulationId }, { viewer, services }) =>
      services.live.progress(viewer, simulationId.toLowerCase()),
    resolve: (progress) => progress,
  }),
  simulationEvents: t.field({
    type: SimulationEventType,
    description:
      'Every step of a simulation after `afterSeq`, once and in order. After a lost connection, continue with the last `seq` received. Ends with the simulation.',
    args: {
      simulationId: t.arg({ type: 'UUID', required: true, description: 'Its key.' }),
      afterSeq: t.arg({
        type: 'SafeInt',
        required: true,
        defaultValue: 0,
        description: 'Only steps with higher numbers; 0 starts with the first.',
      }),
    },
    subscribe: (_, { simulationId, afterSeq }, { viewer, services }) => {
      if (afterSeq < 0)
        throw new Refusal('BAD_USER_INPUT', `afterSeq is ${afterSeq}; it must be 0 or more.`, ['afterSeq'])
      return services.live.events(viewer, simulationId.toLowerCase(), afterSeq)
    },
    resolve: (event) => event,
  }),
  changes: t.field({
    type: ChangeType,
    description:
      'Every step of every simulation of the tenant, once and in order: one subscription for a dashboard. After a lost connection, continue with the last `seq` received.',
    args: {
      afterSeq: t.arg({
        type: 'SafeInt',
        description: 'Only steps with higher numbers; those from now on by default.',
      }),
    },
    subscribe: (_, { afterSeq = null }, { viewer, services }) =>
      services.live.changes(viewer, optionalInteger(afterSeq, 0, Number.MAX_SAFE_INTEGER, ['afterSeq'])),
    resolve: (change) => change,
  }),
}))
