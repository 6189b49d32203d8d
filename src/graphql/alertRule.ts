import type { AlertRule as AlertRuleRow } from '../db/generated/client.ts'
import {
  beginAlertTest,
  createAlertRule,
  deleteAlertRule,
  rotateAlertSecret,
  updateAlertRule,
} from '../evaluation/alerts/alertRules.ts'
import { Refusal } from '../refusal.ts'
import type { WebhookResult } from '../webhooks/webhookSender.ts'
import { builder } from './builder/builder.ts'
import { Configuration } from './configuration.ts'
import { Columns } from './lists/columns.ts'
import { shownRelationIfAny } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'
import { payloadOf, payloadOfStep, payloadType } from './payload.ts'
import { Simulation } from './simulation.ts'

const AlertKind = builder.enumType('AlertKind', {
  description: 'What an alert rule watches. Deleted simulations count nowhere.',
  values: {
    ERROR_RATE: {
      value: 'error_rate',
      description:
        'The share of runs that ended in an error or timed out is above the threshold. Each run counts once, by its last attempt; cancelled runs do not count.',
    },
    COST_PER_DAY: {
      value: 'cost_per_day',
      description:
        'What all attempts of the present day (UTC) have cost is above the threshold. It ends with the day.',
    },
    SCORE_BELOW: {
      value: 'score_below',
      description: 'The mean score of graded runs is below the threshold. Runs without a score do not count.',
    },
    STUCK_RUN: {
      value: 'stuck_run',
      description:
        'A simulation runs, or failed because its runner seems to be gone, and no outcome of it was stored for as many minutes as the threshold says. Each simulation has an alert of its own. A rule that is not of one simulation watches those with failWhenSilent.',
    },
  } as const,
})

const AlertState = builder.enumType('AlertState', {
  description: 'What an alert rule came to when it was last looked at.',
  values: {
    UNKNOWN: {
      value: 'unknown',
      description: 'Nothing is known, or of fewer runs than it needs; or it is not enabled.',
    },
    OK: { value: 'ok', description: 'Nothing is wrong.' },
    FIRING: { value: 'firing', description: 'It has alerts that have not ended.' },
  } as const,
})

const alertRuleColumns = new Columns<AlertRuleRow>({
  ruleId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  name: { kind: 'text', description: 'Its display name.', filter: 'By name.', order: 'Its name.' },
  kind: { kind: 'enum', enum: AlertKind, description: 'What it watches.', filter: 'By what they watch.' },
  configId: {
    kind: 'uuid',
    nullable: true,
    description: 'The key of the only configuration that it watches; null if it is not bound to one.',
    filter: 'By configuration.',
  },
  simulationId: {
    kind: 'uuid',
    nullable: true,
    description: 'The key of the only simulation that it watches; null if it is not bound to one.',
    filter: 'By simulation.',
  },
  threshold: {
    kind: 'number',
    description: 'What it fires beyond: a share of 0 to 1, US dollars, a score of 0 to 1, or minutes.',
  },
  recoveryThreshold: {
    kind: 'number',
    nullable: true,
    description: 'Where its alerts end; null: at the threshold.',
  },
  windowHours: {
    kind: 'integer',
    nullable: true,
    description:
      'How many hours it looks back, from a whole hour on; more than 48 from a whole day (UTC) on. Null: all runs of its simulation, or not of its kind.',
  },
  minRuns: {
    kind: 'integer',
    nullable: true,
    description: 'Of fewer runs it knows nothing; null if not of its kind.',
  },
  webhookUrl: {
    kind: 'text',
    nullable: true,
    description: 'Where its alerts are sent; null if nowhere.',
  },
  secretRotatedAt: {
    kind: 'time',
    nullable: true,
    description: 'When its secret was replaced; null if never. The one before signs for a day longer.',
  },
  enabled: {
    kind: 'boolean',
    description: 'Whether it is looked at.',
    filter: 'Whether they are enabled; all by default.',
  },
  state: {
    kind: 'enum',
    enum: AlertState,
    description: 'What it came to when it was last looked at.',
    filter: 'By state.',
  },
  value: {
    kind: 'number',
    nullable: true,
    description:
      'What was found then, as the threshold is given; of STUCK_RUN the longest silence beyond it. Null where nothing is known.',
  },
  countedRuns: {
    kind: 'bigint',
    nullable: true,
    description: 'Of how many runs that is; null if not of its kind.',
  },
  evaluatedAt: {
    kind: 'time',
    nullable: true,
    description: 'When it was last looked at; null until then.',
  },
  testedAt: {
    kind: 'time',
    nullable: true,
    description: 'When its webhook was last tried by `testAlertRule`; null if never.',
  },
  createdBy: {
    kind: 'text',
    nullable: true,
    description: 'Who created it; null if created outside the server.',
  },
  createdAt: {
    kind: 'time',
    description: 'When it was created.',
    filter: 'By creation time.',
    order: 'When it was created.',
  },
  updatedAt: { kind: 'time', description: 'When it was last changed.' },
})

export const AlertRule = builder.prismaNode('AlertRule', {
  id: { field: 'ruleId' },
  nullable: true,
  description: 'A condition on what the tenant’s runs come to, and whom to tell when it holds.',
  select: { ruleId: true },
  fields: (t) => ({
    ...alertRuleColumns.fields(t),
    configuration: t.field(
      shownRelationIfAny(
        'AlertRule',
        'configuration',
        Configuration,
        'The only configuration that it watches; null if it is not bound to one.',
      ),
    ),
    simulation: t.field(
      shownRelationIfAny(
        'AlertRule',
        'simulation',
        Simulation,
        'The only simulation that it watches; null if it is not bound to one.',
      ),
    ),
  }),
})

const alertRulePages = defineStoredList('AlertRule', {
  model: 'AlertRule',
  type: AlertRule,
  columns: alertRuleColumns,
  keys: ['ruleId'],
  defaultOrder: ['createdAt', 'desc'],
  filter: 'Filters alert rules; all conditions must match.',
})

builder.queryFields((t) => ({
  alertRule: t.field(alertRulePages.byKey('An alert rule by its key.')),
  alertRules: t.field(alertRulePages.root('The tenant’s alert rules, newest first.')),
}))

const CreateAlertRuleInput = builder.inputType('CreateAlertRuleInput', {
  description: 'A new alert rule. It watches all that the tenant has, one configuration, or one simulation.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Its display name, 1 to 100 characters.' }),
    kind: t.field({ type: AlertKind, required: true, description: 'What it watches.' }),
    threshold: t.float({
      required: true,
      description:
        'What it fires beyond. ERROR_RATE: a share of 0 to 1; SCORE_BELOW: a score of 0 to 1; COST_PER_DAY: US dollars; STUCK_RUN: 1 to 43,200 minutes.',
    }),
    recoveryThreshold: t.float({
      description:
        'Where its alerts end, on the other side of the threshold, so that a value that goes to and fro is one alert: at most the threshold of ERROR_RATE, at least that of SCORE_BELOW. The threshold by default.',
    }),
    windowHours: t.int({
      description:
        'ERROR_RATE and SCORE_BELOW: how many hours it looks back, 1 to 720; 24 by default, of a simulation all its runs.',
    }),
    minRuns: t.int({
      description:
        'ERROR_RATE and SCORE_BELOW: of fewer runs (with a score) it knows nothing, and neither fires nor ends; 10 by default.',
    }),
    configId: t.field({ type: 'UUID', description: 'The key of the only configuration that it watches.' }),
    simulationId: t.field({ type: 'UUID', description: 'The key of the only simulation that it watches.' }),
    webhookUrl: t.string({
      description:
        'Where its alerts are sent: a URL of http or https on the internet, up to 2,000 characters. None by default.',
    }),
    enabled: t.boolean({ defaultValue: true, description: 'Whether it is looked at.' }),
  }),
})

const UpdateAlertRuleInput = builder.inputType('UpdateAlertRuleInput', {
  description:
    'What is changed of an alert rule: what is left out stays; null removes the recovery threshold and the webhook, and brings back the other defaults.',
  fields: (t) => ({
    ruleId: t.field({ type: 'UUID', required: true, description: 'The rule’s key.' }),
    name: t.string({ description: 'Its display name, 1 to 100 characters.' }),
    threshold: t.float({ description: 'What it fires beyond.' }),
    recoveryThreshold: t.float({ description: 'Where its alerts end.' }),
    windowHours: t.int({ description: 'How many hours it looks back, 1 to 720.' }),
    minRuns: t.int({ description: 'Of fewer runs it knows nothing.' }),
    webhookUrl: t.string({ description: 'Where its alerts are sent, from the next attempt on.' }),
    enabled: t.boolean({
      description: 'Whether it is looked at. Alerts that have not ended end when it is not.',
    }),
  }),
})

const DeleteAlertRuleInput = builder.inputType('DeleteAlertRuleInput', {
  description: 'The alert rule to delete.',
  fields: (t) => ({ ruleId: t.field({ type: 'UUID', required: true, description: 'The rule’s key.' }) }),
})

const RotateAlertSecretInput = builder.inputType('RotateAlertSecretInput', {
  description: 'The alert rule that gets another secret.',
  fields: (t) => ({ ruleId: t.field({ type: 'UUID', required: true, description: 'The rule’s key.' }) }),
})

const TestAlertRuleInput = builder.inputType('TestAlertRuleInput', {
  description: 'The alert rule whose webhook is tried.',
  fields: (t) => ({ ruleId: t.field({ type: 'UUID', required: true, description: 'The rule’s key.' }) }),
})

const SECRET =
  'What signs the requests to the webhook (whsec_…, Standard Webhooks). Shown here and never again: save it now.'

const CreateAlertRulePayload = payloadType<{ ruleId: string; secret: string }>(
  'CreateAlertRulePayload',
  'The alert rule with its secret, or the errors.',
  (t) => ({
    rule: t.field(alertRulePages.inPayload(({ ruleId }) => ruleId, 'The rule; null when there are errors.')),
    secret: t.string({ nullable: true, description: SECRET, resolve: ({ result }) => result?.secret }),
  }),
)

const RotateAlertSecretPayload = payloadType<{ ruleId: string; secret: string }>(
  'RotateAlertSecretPayload',
  'The alert rule with its new secret, or the errors.',
  (t) => ({
    rule: t.field(alertRulePages.inPayload(({ ruleId }) => ruleId, 'The rule; null when there are errors.')),
    secret: t.string({ nullable: true, description: SECRET, resolve: ({ result }) => result?.secret }),
  }),
)

const AlertRulePayload = payloadType<string>(
  'AlertRulePayload',
  'The alert rule after the change, or the errors.',
  (t) => ({
    rule: t.field(
      alertRulePages.inPayload((ruleId) => ruleId, 'The rule; null when there are errors or it was deleted.'),
    ),
  }),
)

const TestAlertRulePayload = payloadType<WebhookResult>(
  'TestAlertRulePayload',
  'What came back from the webhook, or the errors.',
  (t) => ({
    delivered: t.boolean({
      nullable: true,
      description: 'Whether the receiver took it (2xx); null when there are errors.',
      resolve: ({ result }) => result && result.outcome === 'delivered',
    }),
    statusCode: t.int({
      nullable: true,
      description: 'The HTTP status of its answer; null when there was none.',
      resolve: ({ result }) => result?.statusCode,
    }),
    error: t.string({
      nullable: true,
      description: 'Why it was not delivered, in words; null when it was.',
      resolve: ({ result }) => result?.error,
    }),
    durationMs: t.float({
      nullable: true,
      description: 'How long it took, in milliseconds.',
      resolve: ({ result }) => result?.durationMs,
    }),
  }),
)

builder.mutationFields((t) => ({
  createAlertRule: t.field({
    type: CreateAlertRulePayload,
    description: 'Creates an alert rule. It is looked at within seconds, and then about twice a minute.',
    args: { input: t.arg({ type: CreateAlertRuleInput, required: true, description: 'What to create.' }) },
    resolve: (_, { input }, { write, services: { quotas, webhooks } }) =>
      payloadOf(() =>
        write((transaction) =>
          createAlertRule(transaction, webhooks.guard, quotas.alertRules, {
            name: input.name,
            kind: input.kind,
            threshold: input.threshold,
            recoveryThreshold: input.recoveryThreshold ?? null,
            windowHours: input.windowHours ?? null,
            minRuns: input.minRuns ?? null,
            configId: input.configId ?? null,
            simulationId: input.simulationId ?? null,
            webhookUrl: input.webhookUrl ?? null,
            enabled: input.enabled ?? true,
          }),
        ),
      ),
  }),
  updateAlertRule: t.field({
    type: AlertRulePayload,
    description: 'Changes an alert rule; it is looked at anew within seconds.',
    args: { input: t.arg({ type: UpdateAlertRuleInput, required: true, description: 'What to change.' }) },
    resolve: (_, { input: { ruleId, ...change } }, { write, services: { webhooks } }) =>
      payloadOfStep(write, ruleId, (transaction) =>
        updateAlertRule(transaction, webhooks.guard, ruleId, change),
      ),
  }),
  deleteAlertRule: t.field({
    type: AlertRulePayload,
    description:
      'Deletes an alert rule with its alerts, and what is still to be delivered of them. Disable it first if the receiver is to hear that they end.',
    args: { input: t.arg({ type: DeleteAlertRuleInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { ruleId } }, { write }) =>
      payloadOfStep(write, ruleId, (transaction) => deleteAlertRule(transaction, ruleId)),
  }),
  rotateAlertSecret: t.field({
    type: RotateAlertSecretPayload,
    description:
      'Gives an alert rule another secret. For one more day requests are signed with the one before as well.',
    args: { input: t.arg({ type: RotateAlertSecretInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { ruleId } }, { write }) =>
      payloadOf(async () => ({
        ruleId,
        secret: await write((transaction) => rotateAlertSecret(transaction, ruleId)),
      })),
  }),
  testAlertRule: t.field({
    type: TestAlertRulePayload,
    description:
      'Sends an `alert.test` to a rule’s webhook, once, and tells what came back. Once in five seconds.',
    args: { input: t.arg({ type: TestAlertRuleInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { ruleId } }, { write, viewer, services: { webhooks } }) =>
      payloadOf(async () => {
        const message = await write((transaction) => beginAlertTest(transaction, ruleId))
        const result = await webhooks.test(viewer.tenantId, ruleId.toLowerCase(), message)
        if (result === null)
          throw new Refusal('INVALID_VALUE', 'This rule has no webhook any more.', ['ruleId'])
        return result
      }),
  }),
}))
