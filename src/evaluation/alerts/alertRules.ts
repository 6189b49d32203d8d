import { lockCount, type TenantTransaction } from '../../db/tenantTransaction.ts'
import { type InputPath, Refusal } from '../../refusal.ts'
import {
  invalid,
  LENGTHS,
  MAX_COST_USD,
  number,
  optionalInteger,
  optionalNumber,
  text,
} from '../../valueChecks.ts'
import { type AddressGuard, AddressRefused } from '../../webhooks/addressGuard.ts'
import type { AlertMessage } from '../../webhooks/alertMessage.ts'
import { newWebhookSecret } from '../../webhooks/webhookSecret.ts'
import { lockReferences } from '../deleted/deletedStore.ts'
import {
  type AlertCondition,
  type AlertKind,
  type AlertRuleSettings,
  type AlertScope,
  countRules,
  deleteRule,
  insertRule,
  lockRule,
  scopeExists,
  updateRule,
  updateSecret,
  updateTested,
} from './alertRuleStore.ts'

/** A rule as somebody gives it: what is null is as its kind has it by default. */
export interface AlertRuleInput extends AlertCondition, AlertScope {
  name: string
  kind: AlertKind
  webhookUrl: string | null
  enabled: boolean
}

/** What is left out stays; null removes it. */
export type AlertRuleChange = {
  readonly [Name in keyof AlertRuleSettings]?: AlertRuleSettings[Name] | null | undefined
}

const MAX_WINDOW_HOURS = 720
const MAX_MIN_RUNS = 1_000_000
const MAX_MINUTES = 43_200
const DEFAULT_WINDOW_HOURS = 24
/** Of fewer a rate says little. */
const DEFAULT_MIN_RUNS = 10
const TEST_PAUSE_SECONDS = 5

/**
 * Makes a rule and returns it with its secret, which nobody is shown again.
 *
 * @throws Refusal INVALID_VALUE, CONFIGURATION_NOT_FOUND, SIMULATION_NOT_FOUND, LIMIT_EXCEEDED when the tenant has as many as it may.
 */
export async function createAlertRule(
  transaction: TenantTransaction,
  guard: AddressGuard,
  maxRules: number,
  input: AlertRuleInput,
): Promise<{ ruleId: string; secret: string }> {
  const { kind, configId, simulationId, enabled } = input
  if (configId !== null && simulationId !== null)
    throw invalid(simulationId, 'absent where configId is given: a rule watches one of them', [
      'simulationId',
    ])
  const rule = {
    kind,
    configId,
    simulationId,
    enabled,
    name: nameAt(input.name),
    ...conditionAt(kind, simulationId !== null, input),
    webhookUrl: webhookUrlAt(input.webhookUrl, guard),
  }
  await lockCount(transaction, 'alert rules')
  if ((await countRules(transaction)) >= maxRules) {
    throw new Refusal(
      'LIMIT_EXCEEDED',
      `This tenant has ${maxRules} alert rules, the most that are allowed (ARC_MAX_ALERT_RULES_PER_TENANT).`,
    )
  }
  await lockReferences(transaction, 'shared')
  if (!(await scopeExists(transaction, rule))) {
    throw configId === null
      ? new Refusal('SIMULATION_NOT_FOUND', `There is no simulation ${simulationId}.`, ['simulationId'])
      : new Refusal('CONFIGURATION_NOT_FOUND', `There is no configuration ${configId}.`, ['configId'])
  }
  const secret = newWebhookSecret()
  return { ruleId: await insertRule(transaction, { ...rule, secret }), secret }
}

/** Changes a rule; it is looked at anew at once. @throws Refusal INVALID_VALUE, ALERT_RULE_NOT_FOUND. */
export async function updateAlertRule(
  transaction: TenantTransaction,
  guard: AddressGuard,
  ruleId: string,
  { name, enabled, webhookUrl, ...change }: AlertRuleChange,
): Promise<void> {
  const rule = await lockRule(transaction, ruleId)
  if (rule === null) throw noRule(ruleId)
  // Null is no value of these.
  const threshold = change.threshold ?? rule.threshold
  const condition = Object.fromEntries(
    (['recoveryThreshold', 'windowHours', 'minRuns'] as const).map((field) => [
      field,
      change[field] === undefined ? rule[field] : change[field],
    ]),
  ) as Omit<AlertCondition, 'threshold'>
  await updateRule(transaction, ruleId, {
    name: name == null ? rule.name : nameAt(name),
    enabled: enabled ?? rule.enabled,
    ...conditionAt(rule.kind, rule.simulationId !== null, { threshold, ...condition }),
    webhookUrl: webhookUrl === undefined ? rule.webhookUrl : webhookUrlAt(webhookUrl, guard),
  })
}

/** Its alerts go with it. @throws Refusal ALERT_RULE_NOT_FOUND. */
export async function deleteAlertRule(transaction: TenantTransaction, ruleId: string): Promise<void> {
  if (!(await deleteRule(transaction, ruleId))) throw noRule(ruleId)
}

/** Gives a rule another secret and returns it; the one before signs beside it for another day. @throws Refusal ALERT_RULE_NOT_FOUND. */
export async function rotateAlertSecret(transaction: TenantTransaction, ruleId: string): Promise<string> {
  const secret = newWebhookSecret()
  if (!(await updateSecret(transaction, ruleId, secret))) throw noRule(ruleId)
  return secret
}

/**
 * Notes that a rule's webhook is tried and returns what it is sent.
 *
 * @throws Refusal ALERT_RULE_NOT_FOUND, INVALID_VALUE when it has none, RATE_LIMITED when it was tried a moment ago.
 */
export async function beginAlertTest(transaction: TenantTransaction, ruleId: string): Promise<AlertMessage> {
  const rule = await updateTested(transaction, ruleId, TEST_PAUSE_SECONDS)
  if (rule === null) throw noRule(ruleId)
  const { isDue, hasWebhook, name, kind, threshold } = rule
  if (!hasWebhook) throw new Refusal('INVALID_VALUE', 'This rule has no webhook.', ['ruleId'])
  if (!isDue) {
    throw new Refusal(
      'RATE_LIMITED',
      `The webhook of this rule was tried less than ${TEST_PAUSE_SECONDS} seconds ago.`,
      ['ruleId'],
      { retryAfterSeconds: TEST_PAUSE_SECONDS },
    )
  }
  return {
    type: 'alert.test',
    timestamp: new Date(),
    data: { seq: null, rule: { ruleId, name, kind: kind.toUpperCase(), threshold }, alert: null },
  }
}

/** @throws Refusal INVALID_VALUE for what the kind has not, or does not take. */
function conditionAt(kind: AlertKind, isOfSimulation: boolean, given: AlertCondition): AlertCondition {
  if (kind === 'cost_per_day' || kind === 'stuck_run') {
    for (const field of ['recoveryThreshold', 'windowHours', 'minRuns'] as const)
      if (given[field] !== null)
        throw invalid(given[field], `absent of a rule of kind ${kind.toUpperCase()}`, [field])
    const [least, most] = kind === 'stuck_run' ? [1, MAX_MINUTES] : [0, MAX_COST_USD]
    const threshold = number(given.threshold, least, most, ['threshold'])
    return { threshold, recoveryThreshold: null, windowHours: null, minRuns: null }
  }
  const threshold = number(given.threshold, 0, 1, ['threshold'])
  // On the side where nothing is wrong.
  const [least, most] = kind === 'error_rate' ? [0, threshold] : [threshold, 1]
  return {
    threshold,
    recoveryThreshold: optionalNumber(given.recoveryThreshold, least, most, ['recoveryThreshold']),
    windowHours:
      optionalInteger(given.windowHours, 1, MAX_WINDOW_HOURS, ['windowHours']) ??
      (isOfSimulation ? null : DEFAULT_WINDOW_HOURS),
    minRuns: optionalInteger(given.minRuns, 1, MAX_MIN_RUNS, ['minRuns']) ?? DEFAULT_MIN_RUNS,
  }
}

function nameAt(name: string): string {
  return text(name.trim(), LENGTHS.alertRuleName, ['name'])
}

/** @throws Refusal INVALID_VALUE; the message does not repeat the URL, in which some receivers have their secret. */
function webhookUrlAt(given: string | null, guard: AddressGuard): string | null {
  if (given === null) return null
  const path: InputPath = ['webhookUrl']
  const written = text(given.trim(), LENGTHS.webhookUrl, path)
  const refuse = (reason: string) => new Refusal('INVALID_VALUE', `webhookUrl ${reason}`, path)
  if (!URL.canParse(written)) throw refuse('is no URL.')
  const url = new URL(written)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refuse('must begin with https:// or http://.')
  if (url.username !== '' || url.password !== '')
    throw refuse('must have no user and no password: requests are signed instead.')
  try {
    guard.checkHost(url.hostname)
  } catch (error) {
    if (error instanceof AddressRefused)
      throw refuse(`is refused: ${error.message} (ARC_WEBHOOK_PRIVATE_HOSTS).`)
    throw error
  }
  url.hash = ''
  return text(url.href, LENGTHS.webhookUrl, path)
}

function noRule(ruleId: string): Refusal {
  return new Refusal('ALERT_RULE_NOT_FOUND', `There is no alert rule ${ruleId}.`, ['ruleId'])
}
