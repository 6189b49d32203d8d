import DataLoader from 'dataloader'
import { COMPLETION_PERCENT } from '../evaluation/simulations/simulationAnswer.ts'
import { type Change, latestChange, noSuchChange, readChanges } from '../live/changeStore.ts'
import { changesList, eventOfChange, eventsPage, LATEST_CHANGE } from '../live/eventAnswer.ts'
import { type Progress, readEventRanges, type SimulationEvent } from '../live/eventStore.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import { MAX_PAGE_SIZE } from '../reads/pagePlan.ts'
import { Refusal } from '../refusal.ts'
import { integer, optionalInteger } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import type { PlannedField, ReadInStatement } from './builder/fieldRead.ts'
import { Columns } from './lists/columns.ts'
import { pageArgs } from './lists/connection.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { defineNumberedList, NUMBER, numberedRange } from './lists/numberedList.ts'
import { Simulation, SimulationStatusEnum, simulationPages } from './simulation.ts'

const progressColumns = new Columns<Progress>({
  simulationId: { kind: 'uuid', description: 'The simulation’s key.' },
  seq: { kind: 'bigint', description: 'Number of the event that led here; 0 before the first.' },
  status: { kind: 'enum', enum: SimulationStatusEnum, description: 'The simulation’s status.' },
  totalScenarios: { kind: 'integer', description: 'Total number of runs.' },
  completedScenarios: {
    kind: 'integer',
    description: 'Runs that ended, in any way: succeededScenarios + failedScenarios.',
  },
  succeededScenarios: { kind: 'integer', description: 'Runs that succeeded.' },
  failedScenarios: { kind: 'integer', description: 'Runs that ended in any other way.' },
  meanScore: {
    kind: 'number',
    nullable: true,
    name: 'currentScore',
    description: 'Mean score of the graded runs; null while there is none.',
  },
  totalTokens: {
    kind: 'bigint',
    nullable: true,
    description: 'Tokens so far; null while none are known.',
  },
  totalCostUsd: { kind: 'decimal', nullable: true, description: 'Cost so far; null while none is known.' },
  at: { kind: 'time', description: 'The time of this state.' },
})

const shownSimulation = simulationPages.shownBy(
  ({ simulationId }: Progress) => simulationId,
  'The simulation itself; null while it is deleted.',
)

const ProgressInterface = builder.interfaceRef<Progress>('ProgressState').implement({
  description: 'The state of a simulation at one moment.',
  fields: (t) => ({
    ...progressColumns.fields(t),
    completionPercent: t.float({
      extensions: { read: () => COMPLETION_PERCENT } satisfies ReadInStatement,
      description: 'Share of the runs that ended, 0 to 100.',
      resolve: ({ completedScenarios, totalScenarios }) => (100 * completedScenarios) / totalScenarios,
    }),
    simulation: t.field({
      ...shownSimulation,
      extensions: {
        ...shownSimulation.extensions,
        read: ({ members }) => relatedRow('simulations', [['simulationId', 'simulationId']], members(), true),
      } satisfies ReadInStatement,
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

const eventColumns = new Columns<Pick<SimulationEvent, 'kind'>>({
  kind: { kind: 'enum', enum: EventKindEnum, description: 'What happened.' },
})

const SimulationEventType = builder.objectRef<SimulationEvent>('SimulationEvent').implement({
  description: 'One step of a simulation, and its state afterwards.',
  interfaces: [ProgressInterface],
  fields: (t) => eventColumns.fields(t),
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
    extensions: {
      page: true,
      read: ({ args, page }: PlannedField<Parameters<typeof numberedRange>[0]>) =>
        eventsPage(numberedRange(args), NUMBER, page()),
    },
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

const changeColumns = new Columns<Pick<Change, 'seq'>>({
  seq: {
    kind: 'bigint',
    description: 'Its number among all steps of the tenant, from 1, in the order in which they were stored.',
  },
})

const ChangeType = builder.objectRef<Change>('Change').implement({
  description: 'A step of one of the tenant’s simulations.',
  fields: (t) => ({
    ...changeColumns.fields(t),
    event: t.expose('event', {
      type: SimulationEventType,
      extensions: { read: ({ members }) => eventOfChange(members()) } satisfies ReadInStatement,
      description: 'The step.',
    }),
  }),
})

builder.queryField('latestChange', (t) =>
  t.field({
    type: 'SafeInt',
    description:
      'The number of the tenant’s latest change, to follow `changes` from now on; 0 before the first.',
    extensions: { read: () => LATEST_CHANGE } satisfies ReadInStatement,
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
    extensions: {
      read: ({ args, members }: PlannedField<ChangesArgs>) => {
        const { after, limit } = changesRange(args)
        return changesList(after, limit, members())
      },
    },
    resolve: async (_, args, { reads }) => {
      const { after, limit } = changesRange(args)
      const changes = await readChanges(reads, after, limit)
      if (changes.length === 0 && after > 0) {
        const latest = await latestChange(reads)
        if (after > latest) throw noSuchChange(after, latest)
      }
      return changes
    },
  }),
)

interface ChangesArgs {
  afterSeq: number
  first: number
}

/** @throws Refusal INVALID_VALUE. */
function changesRange({ afterSeq, first }: ChangesArgs) {
  return {
    after: integer(afterSeq, 0, Number.MAX_SAFE_INTEGER, ['afterSeq']),
    limit: integer(first, 1, MAX_PAGE_SIZE, ['first']),
  }
}

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
