import { type DailySums, dailySums } from '../evaluation/rollups/performanceStore.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Columns } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import { byColumn, inTheLast } from './lists/filters.ts'
import { linesOfSums } from './performanceSums.ts'
import { Simulation } from './simulation.ts'

/** In rows that are read: the sums of a week are some hundreds. */
const LIST_COST = 50

const dailyColumns = new Columns<DailySums>({
  day: { kind: 'time', description: 'When the day begins (UTC).', order: 'The day.' },
  simulationId: { kind: 'uuid', description: 'The simulation’s key.' },
  ...linesOfSums('the day'),
})

const DailyStats = builder.objectRef<DailySums>('DailyStats').implement({
  description: 'What ended in one simulation on one day (UTC).',
  fields: (t) => ({
    ...dailyColumns.fields(t),
    simulation: t.prismaField({
      type: Simulation,
      description: 'The simulation.',
      extensions: {
        read: ({ members }) =>
          relatedRow('simulations', [['simulationId', 'simulationId']], members(), false),
      } satisfies ReadInStatement,
      resolve: (query, { simulationId }, _, { reads }) =>
        reads.client.simulation.findUniqueOrThrow({ ...query, where: { simulationId } }),
    }),
  }),
})

const dailyPages = defineComputedList('DailyStats', {
  type: DailyStats,
  cost: LIST_COST,
  columns: dailyColumns,
  keys: ['day', 'simulationId'],
  defaultOrder: ['day', 'desc'],
  filter: 'Filters days; all conditions must match.',
  of: {
    hour: inTheLast(
      7,
      byColumn(
        { field: 'bucket', kind: 'time' },
        'By the hours that are summed up; those of the last seven days by default.',
      ),
    ),
    simulationId: byColumn({ field: 'simulationId', kind: 'uuid' }, 'By simulation.'),
    configVersionId: byColumn(
      { field: 'configVersionId', kind: 'uuid' },
      'By the configuration version that was run.',
    ),
    model: byColumn({ field: 'model', kind: 'text' }, 'By model.'),
  },
})

builder.queryField('dailyStats', (t) =>
  t.field(
    dailyPages.root('What ended on each day, simulation by simulation; latest day first.', (_parents, of) =>
      dailySums(of),
    ),
  ),
)
