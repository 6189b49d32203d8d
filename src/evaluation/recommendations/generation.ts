import { createHash } from 'node:crypto'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import type { JsonObject } from '../../json.ts'
import { Refusal } from '../../refusal.ts'
import { BYTES } from '../../valueChecks.ts'
import { changedPaths } from '../configurations/configDiff.ts'
import { lockConfiguration } from '../configurations/configurationStore.ts'
import { measureEffects } from './effect.ts'
import {
  type Basis,
  findVersionYamls,
  insertGenerated,
  type KnownRecommendation,
  latestOfSubjects,
  supersede,
} from './generatedStore.ts'
import { CHEAPER_MODEL } from './rules/cheaperModel.ts'
import { FAILING_TOOLS } from './rules/failingTools.ts'
import { FLAKY_SCENARIOS } from './rules/flakyScenarios.ts'
import type { Finding, Found, Rule, RuleName } from './rules/rule.ts'
import { TIMEOUT_LIMITS } from './rules/timeoutLimits.ts'
import { UNCOVERED_SCENARIOS } from './rules/uncoveredScenarios.ts'
import { VERSION_ROLLBACK } from './rules/versionRollback.ts'
import type { Scope } from './scope.ts'
import { findLatestVersionId, findScope, findVersionOfSimulation } from './scopeStore.ts'
import { diffTo, suggestedDiff } from './suggestedChange.ts'
import { type Wording, worded } from './wording.ts'

const RULES: readonly Rule[] = [
  FAILING_TOOLS,
  TIMEOUT_LIMITS,
  UNCOVERED_SCENARIOS,
  CHEAPER_MODEL,
  VERSION_ROLLBACK,
  FLAKY_SCENARIOS,
]

/** What is looked at: the version that a simulation ran, or the latest one of a configuration. */
export type Subject = { simulationId: string } | { configId: string }

/** What came of one rule, or of one thing that it found. */
export interface RuleResult {
  rule: RuleName
  status: 'MADE' | 'ALREADY_MADE' | 'NOTHING_FOUND' | 'INSUFFICIENT_DATA'
  /** Why, in words; of what was made its subject. */
  reason: string
  recommendationId: string | null
}

/** A transaction of the tenant each time; what is done in one must not be done outside of it. */
type InTransaction = <Result>(work: (transaction: TenantTransaction) => Promise<Result>) => Promise<Result>

/**
 * Looks by all rules, and stores what they find and what is not known yet. Reads in one transaction and writes in another, so that nothing is
 * locked while a language model words it.
 *
 * @throws Refusal SIMULATION_NOT_FOUND, CONFIGURATION_NOT_FOUND.
 */
export async function generateRecommendations(
  inTransaction: InTransaction,
  subject: Subject,
  wording: Wording | null,
): Promise<RuleResult[]> {
  const looked = await inTransaction((transaction) => look(transaction, subject))
  const { configId, scope, findings, known } = looked
  const descriptions = new Map<Found, Awaited<ReturnType<typeof worded>>>()
  for (const { rule, finding } of findings)
    if (finding.status === 'FOUND')
      for (const found of finding.found)
        if (wording && !sameAs(found, known.get(subjectKey(rule, found.subject))))
          descriptions.set(found, await worded(wording, found.description))
  return inTransaction(async (transaction) => {
    // So that each sees what others have made, nobody deletes what is linked, and who may not write is refused whatever was found.
    await lockConfiguration(transaction, configId)
    if (scope === null) {
      const reason = 'The configuration has no version.'
      return RULES.map(({ name }) => ({
        rule: name,
        status: 'INSUFFICIENT_DATA',
        reason,
        recommendationId: null,
      }))
    }
    const sourceId =
      'simulationId' in subject ? subject.simulationId : scope.version.simulations[0]?.simulationId
    const results: RuleResult[] = []
    for (const { rule, finding } of findings) {
      if (finding.status !== 'FOUND') {
        results.push({ rule, status: finding.status, reason: finding.reason, recommendationId: null })
        continue
      }
      for (const found of finding.found)
        results.push(await keep(transaction, scope, sourceId!, rule, found, descriptions.get(found) ?? null))
    }
    await measureEffects(transaction, scope.version)
    return results
  })
}

/** The same for a tenant that did not ask for it; says how many were made. What was deleted meanwhile needs none. */
export async function generateUnasked(
  inTransaction: InTransaction,
  simulationId: string,
  wording: Wording | null,
): Promise<number> {
  try {
    const results = await generateRecommendations(inTransaction, { simulationId }, wording)
    return results.filter(({ status }) => status === 'MADE').length
  } catch (error) {
    if (error instanceof Refusal && error.code === 'SIMULATION_NOT_FOUND') return 0
    throw error
  }
}

interface Looked {
  configId: string
  /** Null where the configuration has no version. */
  scope: Scope | null
  findings: { rule: RuleName; finding: Finding }[]
  known: Map<string, KnownRecommendation>
}

async function look(transaction: TenantTransaction, subject: Subject): Promise<Looked> {
  let versionId: string | null
  if ('simulationId' in subject) {
    versionId = await findVersionOfSimulation(transaction, subject.simulationId)
    if (versionId === null) {
      const message = `There is no simulation ${subject.simulationId}.`
      throw new Refusal('SIMULATION_NOT_FOUND', message, ['simulationId'])
    }
  } else {
    const latest = await findLatestVersionId(transaction, subject.configId)
    if (latest === undefined) {
      const message = `There is no configuration ${subject.configId}.`
      throw new Refusal('CONFIGURATION_NOT_FOUND', message, ['configId'])
    }
    if (latest === null) return { configId: subject.configId, scope: null, findings: [], known: new Map() }
    versionId = latest
  }
  const scope = (await findScope(transaction, versionId))!
  const { configId } = scope
  const findings: Looked['findings'] = []
  for (const rule of RULES) findings.push({ rule: rule.name, finding: await rule.look(transaction, scope) })
  return { configId, scope, findings, known: await latestOfSubjects(transaction, configId) }
}

const subjectKey = (rule: RuleName, subject: string) => `${rule}\n${subject}`

/** Stores it, unless it says what is said already. */
async function keep(
  transaction: TenantTransaction,
  scope: Scope,
  sourceId: string,
  rule: RuleName,
  found: Found,
  description: { text: string; by: string } | null,
): Promise<RuleResult> {
  const { configId, version } = scope
  const before = (await latestOfSubjects(transaction, configId, rule, found.subject)).get(
    subjectKey(rule, found.subject),
  )
  if (before && sameAs(found, before)) {
    const reason = `The same evidence has led to one that is ${before.state}: ${found.subject}.`
    return { rule, status: 'ALREADY_MADE', reason, recommendationId: before.recommendationId }
  }
  let diff: string | null = null
  if (found.changes) diff = suggestedDiff(version.rawYaml, found.changes)
  else if (found.restores !== undefined) {
    const [yaml] = await findVersionYamls(transaction, [found.restores])
    diff = yaml === undefined ? null : diffTo(version.rawYaml, yaml)
  }
  // What cannot be applied to its own version is left out, and so is a diff that nobody reads.
  const fits = diff !== null && Buffer.byteLength(diff) <= BYTES.change
  const recommendationId = await insertGenerated(transaction, {
    sourceId,
    rule,
    configId,
    configVersionId: version.versionId,
    subject: found.subject,
    fingerprint: fingerprintOf(scope, rule, found),
    recommendationType: found.type,
    description: description?.text ?? found.description,
    wordedBy: description?.by ?? null,
    suggestedYamlChanges: fits ? diff : null,
    suggestedChanges: fits && found.changes ? found.changes : null,
    restoresVersionId: fits && found.restores ? found.restores : null,
    impactEstimate: found.impact,
    confidence: found.confidence,
    facts: found.facts,
    basis: { figure: found.basis, suggests: suggestionOf(found) },
    evidence: found.evidence,
  })
  if (recommendationId === null) {
    const reason = `The same evidence has led to one before: ${found.subject}.`
    return { rule, status: 'ALREADY_MADE', reason, recommendationId: before?.recommendationId ?? null }
  }
  await supersede(transaction, { configId, rule, subject: found.subject, by: recommendationId })
  return { rule, status: 'MADE', reason: `About ${found.subject}.`, recommendationId }
}

/** A suggested number that is so much larger or smaller is another suggestion. */
const OTHER_NUMBER = 1.25

/**
 * Whether what was found says nothing that is not known: the change is the same, there is less than twice as much data, and the figure lies within the interval that it
 * had. docs/decisions/0035 says why.
 */
export function sameAs(
  found: Pick<Found, 'basis' | 'changes' | 'restores'>,
  known: KnownRecommendation | undefined,
): boolean {
  if (!known) return false
  const { n, lower, upper } = known.basis.figure
  const { basis } = found
  return (
    basis.n < 2 * n &&
    basis.estimate >= lower &&
    basis.estimate <= upper &&
    suggestsSame(suggestionOf(found), known.basis.suggests)
  )
}

function suggestionOf({ changes, restores }: Pick<Found, 'changes' | 'restores'>): Basis['suggests'] {
  return restores ?? (changes ?? []).map(({ path, op, after }) => [path, op, after ?? null])
}

function suggestsSame(now: Basis['suggests'], then: Basis['suggests']): boolean {
  if (typeof now === 'string' || typeof then === 'string') return now === then
  return (
    now.length === then.length &&
    now.every(([path, op, after], at) => {
      const [thenPath, thenOp, thenAfter] = then[at]!
      const isSame =
        typeof after === 'number' && typeof thenAfter === 'number'
          ? Math.max(after, thenAfter) < OTHER_NUMBER * Math.min(after, thenAfter)
          : changedPaths({ it: after }, { it: thenAfter }).length === 0
      return path === thenPath && op === thenOp && isSame
    })
  )
}

/** Of the same runs the same rule makes no second one, whoever asks at the same time. */
function fingerprintOf({ configId, version, others }: Scope, rule: RuleName, found: Found): string {
  const simulations = [version, ...others].flatMap((each) =>
    each.simulations.map(({ simulationId }) => simulationId),
  )
  const parts: JsonObject = {
    rule,
    configId,
    subject: found.subject,
    versionId: version.versionId,
    simulations: simulations.sort(),
    facts: found.facts,
    suggests: suggestionOf(found),
  }
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
