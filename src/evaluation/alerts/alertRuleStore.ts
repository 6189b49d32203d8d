import sql from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'

export type AlertKind = 'error_rate' | 'cost_per_day' | 'score_below' | 'stuck_run'

/** What a rule asks; what it has none of is null. */
export interface AlertCondition {
  /** A share, US dollars, a score or minutes. */
  threshold: number
  recoveryThreshold: number | null
  windowHours: number | null
  minRuns: number | null
}

/** What may be changed of a rule. */
export interface AlertRuleSettings extends AlertCondition {
  name: string
  webhookUrl: string | null
  enabled: boolean
}

/** What is watched: a configuration, a simulation, or all that the tenant has. */
export interface AlertScope {
  configId: string | null
  simulationId: string | null
}

export interface NewAlertRule extends AlertRuleSettings, AlertScope {
  kind: AlertKind
  secret: string
}

export async function countRules(transaction: TenantTransaction): Promise<number> {
  const [rules] = await transaction.query<{ count: number }>(
    sql`/* countAlertRules */ select count(rule_id)::int as count from alert_rules`,
  )
  return rules!.count
}

/** Which of these there are; those that are deleted are not. */
export async function scopeExists(
  transaction: TenantTransaction,
  { configId, simulationId }: AlertScope,
): Promise<boolean> {
  const rows = await transaction.query(sql`/* alertScopeExists */
    select where (${configId}::uuid is null or exists (select from configurations where config_id = ${configId}))
      and (${simulationId}::uuid is null or exists (select from simulations where simulation_id = ${simulationId}))`)
  return rows.length > 0
}

export async function insertRule(transaction: TenantTransaction, rule: NewAlertRule): Promise<string> {
  const rows = await transaction.query<{ rule_id: string }>(sql`/* insertAlertRule */
    insert into alert_rules (name, kind, config_id, simulation_id, threshold, recovery_threshold, window_hours, min_runs, webhook_url,
      secret, enabled)
    values (${rule.name}, ${rule.kind}, ${rule.configId}, ${rule.simulationId}, ${rule.threshold}, ${rule.recoveryThreshold},
      ${rule.windowHours}, ${rule.minRuns}, ${rule.webhookUrl}, ${rule.secret}, ${rule.enabled})
    returning rule_id`)
  return rows[0]!.rule_id
}

/** Locks it; null when there is none. */
export async function lockRule(
  transaction: TenantTransaction,
  ruleId: string,
): Promise<(AlertRuleSettings & AlertScope & { kind: AlertKind }) | null> {
  const rows = await transaction.query<{
    name: string
    kind: AlertKind
    config_id: string | null
    simulation_id: string | null
    threshold: number
    recovery_threshold: number | null
    window_hours: number | null
    min_runs: number | null
    webhook_url: string | null
    enabled: boolean
  }>(sql`/* lockAlertRule */
    select name, kind, config_id, simulation_id, threshold, recovery_threshold, window_hours, min_runs, webhook_url, enabled
    from alert_rules where rule_id = ${ruleId} for no key update`)
  const [row] = rows
  if (!row) return null
  return {
    name: row.name,
    kind: row.kind,
    configId: row.config_id,
    simulationId: row.simulation_id,
    threshold: row.threshold,
    recoveryThreshold: row.recovery_threshold,
    windowHours: row.window_hours,
    minRuns: row.min_runs,
    webhookUrl: row.webhook_url,
    enabled: row.enabled,
  }
}

export async function updateRule(
  transaction: TenantTransaction,
  ruleId: string,
  rule: AlertRuleSettings,
): Promise<void> {
  await transaction.query(sql`/* updateAlertRule */
    update alert_rules set name = ${rule.name}, threshold = ${rule.threshold}, recovery_threshold = ${rule.recoveryThreshold},
      window_hours = ${rule.windowHours}, min_runs = ${rule.minRuns}, webhook_url = ${rule.webhookUrl}, enabled = ${rule.enabled}
    where rule_id = ${ruleId}`)
}

/** Whether there was such a rule. The secret before it signs for another day. */
export async function updateSecret(
  transaction: TenantTransaction,
  ruleId: string,
  secret: string,
): Promise<boolean> {
  const rows = await transaction.query(sql`/* updateAlertSecret */
    update alert_rules set secret = ${secret} where rule_id = ${ruleId} returning rule_id`)
  return rows.length > 0
}

/** Whether there was such a rule. */
export async function deleteRule(transaction: TenantTransaction, ruleId: string): Promise<boolean> {
  const rows = await transaction.query(
    sql`/* deleteAlertRule */ delete from alert_rules where rule_id = ${ruleId} returning rule_id`,
  )
  return rows.length > 0
}

/** Notes that a rule's webhook is tried, where it has one and was not a moment ago; null when there is no such rule. */
export async function updateTested(
  transaction: TenantTransaction,
  ruleId: string,
  pauseSeconds: number,
): Promise<{ isDue: boolean; hasWebhook: boolean; name: string; kind: AlertKind; threshold: number } | null> {
  const [found] = await transaction.query<{
    is_due: boolean
    has_webhook: boolean
    name: string
    kind: AlertKind
    threshold: number
  }>(sql`/* lockTestedRule */
    select coalesce(tested_at <= now() - make_interval(secs => ${pauseSeconds}), true) as is_due, webhook_url is not null as has_webhook,
      name, kind, threshold
    from alert_rules where rule_id = ${ruleId} for no key update`)
  if (!found) return null
  const { is_due: isDue, has_webhook: hasWebhook, name, kind, threshold } = found
  if (isDue && hasWebhook)
    await transaction.query(
      sql`/* updateTested */ update alert_rules set tested_at = now() where rule_id = ${ruleId}`,
    )
  return { isDue, hasWebhook, name, kind, threshold }
}
