import type { AlertEvent as AlertEventRow } from '../db/generated/client.ts'
import type { AlertStep } from '../live/alertStore.ts'
import { optionalInteger } from '../valueChecks.ts'
import { Alert } from './alert.ts'
import { builder } from './builder/builder.ts'
import { Columns } from './lists/columns.ts'
import { shownRelationIfAny } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'

const AlertEventKind = builder.enumType('AlertEventKind', {
  description: 'What happened to an alert.',
  values: {
    FIRED: { value: 'fired', description: 'It fired.' },
    ENDED: { value: 'ended', description: 'It ended.' },
  } as const,
})

const DeliveryStatus = builder.enumType('AlertDeliveryStatus', {
  description: 'Whether a webhook has heard.',
  values: {
    PENDING: {
      value: 'pending',
      description: 'Not yet: it waits for its first or next attempt, or for an earlier one of its rule.',
    },
    DELIVERED: { value: 'delivered', description: 'The receiver took it.' },
    FAILED: {
      value: 'failed',
      description: 'The receiver refused it, or could not be reached for a day: it is given up.',
    },
  } as const,
})

const alertEventColumns = new Columns<AlertEventRow>({
  eventId: {
    kind: 'uuid',
    description: 'Its key; receivers find it in the header webhook-id.',
    filter: 'By key.',
  },
  seq: {
    kind: 'bigint',
    description: 'Its number among the tenant’s, from 1, in the order in which they happened.',
    filter: 'By number.',
    order: 'Its number.',
  },
  alertId: { kind: 'uuid', description: 'The alert’s key.', filter: 'By alert.' },
  ruleId: { kind: 'uuid', description: 'The rule’s key.', filter: 'By rule.' },
  kind: { kind: 'enum', enum: AlertEventKind, description: 'What happened.', filter: 'By what happened.' },
  value: {
    kind: 'number',
    nullable: true,
    description: 'What was found then, as the threshold is given; null where nothing was known.',
  },
  createdAt: { kind: 'time', description: 'When it happened.', filter: 'By when it happened.' },
  deliveryStatus: {
    kind: 'enum',
    enum: DeliveryStatus,
    nullable: true,
    description: 'Whether the rule’s webhook has heard; null if it had none.',
    filter: 'By whether the webhook has heard.',
  },
  attempts: { kind: 'integer', description: 'How often its delivery was tried.' },
  attemptedAt: {
    kind: 'time',
    nullable: true,
    description: 'When it was last tried; null if it was not.',
  },
  statusCode: {
    kind: 'integer',
    nullable: true,
    description: 'The HTTP status of the receiver’s last answer; null when there was none.',
  },
  error: {
    kind: 'text',
    nullable: true,
    description: 'Why the last attempt did not deliver it, in words; null when it did.',
  },
  nextAttemptAt: {
    kind: 'time',
    nullable: true,
    description: 'When it is tried next; null if it is not, or waits for an earlier one of its rule.',
  },
  deliveredAt: { kind: 'time', nullable: true, description: 'When it was delivered; null if it was not.' },
})

const AlertEvent = builder.prismaNode('AlertEvent', {
  id: { field: 'eventId' },
  nullable: true,
  description: 'That an alert fired or ended, and its delivery to the webhook of its rule.',
  select: { eventId: true },
  fields: (t) => ({
    ...alertEventColumns.fields(t),
    alert: t.field(
      shownRelationIfAny('AlertEvent', 'alert', Alert, 'The alert; null while what it is about is deleted.'),
    ),
  }),
})

const alertEventPages = defineStoredList('AlertEvent', {
  model: 'AlertEvent',
  type: AlertEvent,
  columns: alertEventColumns,
  keys: ['eventId'],
  defaultOrder: ['seq', 'desc'],
  filter: 'Filters events of alerts; all conditions must match.',
})

builder.prismaObjectField(Alert, 'events', (t) =>
  t.field(
    alertEventPages.under(
      { key: 'alertId', field: 'alertId', type: 'uuid' },
      'That it fired and ended, with their deliveries, latest first.',
    ),
  ),
)

builder.queryFields((t) => ({
  alertEvent: t.field(alertEventPages.byKey('An event of an alert by its key.')),
  alertEvents: t.field(
    alertEventPages.root('That the tenant’s alerts fired and ended, with their deliveries, latest first.'),
  ),
}))

const alertStepColumns = new Columns<Pick<AlertStep, 'seq'>>({
  seq: {
    kind: 'bigint',
    description: 'The number of the event: to continue with after a lost connection.',
  },
})

const AlertStepType = builder.objectRef<AlertStep>('AlertStep').implement({
  description: 'One of the tenant’s alerts fired or ended.',
  fields: (t) => ({
    ...alertStepColumns.fields(t),
    event: t.field(
      alertEventPages.shownBy(
        ({ eventId }: AlertStep) => eventId,
        'The event, as it is now; null if its rule was deleted.',
      ),
    ),
  }),
})

builder.subscriptionField('alertEvents', (t) =>
  t.field({
    type: AlertStepType,
    description:
      'The tenant’s alerts as they fire and end, each once and in order. After a lost connection, continue with the last `seq` received.',
    args: {
      afterSeq: t.arg({
        type: 'SafeInt',
        description: 'Only those with higher numbers; those from now on by default.',
      }),
    },
    subscribe: (_, { afterSeq = null }, { viewer, services }) =>
      services.live.alerts(viewer, optionalInteger(afterSeq, 0, Number.MAX_SAFE_INTEGER, ['afterSeq'])),
    resolve: (step) => step,
  }),
)
