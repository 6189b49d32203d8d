import type { Alert as AlertRow } from '../db/generated/client.ts'
import { AlertRule } from './alertRule.ts'
import { builder } from './builder/builder.ts'
import { Configuration } from './configuration.ts'
import { Columns } from './lists/columns.ts'
import { byAbsence } from './lists/filters.ts'
import { shownRelation, shownRelationIfAny } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'
import { Simulation } from './simulation.ts'

const AlertEndReason = builder.enumType('AlertEndReason', {
  description: 'Why an alert ended.',
  values: {
    RECOVERED: { value: 'recovered', description: 'Its condition holds no longer.' },
    DISABLED: { value: 'disabled', description: 'Its rule was disabled.' },
    DELETED: { value: 'deleted', description: 'What its rule watches was deleted.' },
  } as const,
})

const alertColumns = new Columns<AlertRow>({
  alertId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  ruleId: { kind: 'uuid', description: 'The rule’s key.', filter: 'By rule.' },
  configId: {
    kind: 'uuid',
    nullable: true,
    description: 'The key of the configuration that it is about; null if not about one.',
    filter: 'By configuration.',
  },
  simulationId: {
    kind: 'uuid',
    nullable: true,
    description: 'The key of the simulation that it is about; null if not about one.',
    filter: 'By simulation.',
  },
  threshold: { kind: 'number', description: 'The rule’s threshold when it fired.' },
  value: { kind: 'number', description: 'What was found when it fired, as the threshold is given.' },
  countedRuns: {
    kind: 'bigint',
    nullable: true,
    description: 'Of how many runs that was; null of STUCK_RUN.',
  },
  firedAt: {
    kind: 'time',
    description: 'When it fired.',
    filter: 'By when they fired.',
    order: 'When it fired.',
  },
  endedAt: {
    kind: 'time',
    nullable: true,
    description: 'When it ended; null until then.',
    filter: 'By when they ended.',
  },
  endReason: {
    kind: 'enum',
    enum: AlertEndReason,
    nullable: true,
    description: 'Why it ended; null until then.',
    filter: 'By why they ended.',
  },
  endValue: {
    kind: 'number',
    nullable: true,
    description: 'What was found when it ended; null until then, or where nothing was known.',
  },
})

export const Alert = builder.prismaNode('Alert', {
  id: { field: 'alertId' },
  nullable: true,
  description: 'That the condition of a rule held, from when it was found to when it no longer did.',
  select: { alertId: true },
  fields: (t) => ({
    ...alertColumns.fields(t),
    rule: t.field(shownRelation('Alert', 'rule', AlertRule, 'The rule.')),
    configuration: t.field(
      shownRelationIfAny(
        'Alert',
        'configuration',
        Configuration,
        'The configuration that it is about; null if not about one.',
      ),
    ),
    simulation: t.field(
      shownRelationIfAny(
        'Alert',
        'simulation',
        Simulation,
        'The simulation that it is about; null if not about one.',
      ),
    ),
  }),
})

const alertPages = defineStoredList('Alert', {
  model: 'Alert',
  type: Alert,
  columns: alertColumns,
  keys: ['alertId'],
  defaultOrder: ['firedAt', 'desc'],
  filter: 'Filters alerts; all conditions must match.',
  filters: {
    isOpen: byAbsence(
      alertColumns.column('endedAt'),
      'missing',
      'Whether they have not ended; all by default.',
    ),
  },
})

builder.prismaObjectField(AlertRule, 'alerts', (t) =>
  t.field(alertPages.under({ key: 'ruleId', field: 'ruleId', type: 'uuid' }, 'Its alerts, latest first.')),
)

builder.prismaObjectField(Simulation, 'alerts', (t) =>
  t.field(
    alertPages.under(
      { key: 'simulationId', field: 'simulationId', type: 'uuid' },
      'Alerts about it alone, latest first.',
    ),
  ),
)

builder.queryFields((t) => ({
  alert: t.field(alertPages.byKey('An alert by its key.')),
  alerts: t.field(alertPages.root('The tenant’s alerts, latest first.')),
}))
