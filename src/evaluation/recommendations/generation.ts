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
  closeObsolete,
  findFingerprint,
  findOpen,
  findVersionYamls,
  insertGenerated,
  type KnownRecommendation,
  latestOfSubjects,
  type OpenRecommendation,
  reopen,
  supersede,
} from './generatedStore.ts'
import { CHEAPER_MODEL } from './rules/cheaperModel.ts'
import { FAILING_TOOLS } from './rules/failingTools.ts'
import { FLAKY_SCENARIOS } from './rules/flakyScenarios.ts'
import type { Earlier, Finding, Found, Rule, RuleName } from './rules/rule.ts'
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
export type Subject =
  | { simulationId: string }
  | { configId: string }
  /** The simulation by which somebody came to look at the version; it may be of another one, or deleted. */
  | { versionId: string; becauseOf: string }

/** What came of one rule, or of one thing that it found. */
export interface RuleResult {
  rule: RuleName
  status: 'MADE' | 'ALREADY_MADE' | 'REOPENED' | 'OBSOLETE' | 'NOTHING_FOUND' | 'INSUFFICIENT_DATA'
  /** Why, in words; of what was made its subject. */
  reason: string
  recommendationId: string | null
}

/** A transaction of the tenant each time; what is done in one must not be done outside of it. */
type InTransaction = <Result>(work: (transaction: TenantTransaction) => Promise<Result>) => Promise<Result>

/**
 * Looks by all rules, stores what they find and what is not known yet, and closes what was open and is not so any more. Reads in one transaction and writes in another, so that nothing is
 * locked while a language model words it.
 *
 * @throws Refusal SIMULATION_NOT_FOUND, CONFIGURATION_NOT_FOUND, CONFIG_VERSION_NOT_FOUND.
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
    const sourceId = sourceOf(subject, scope)
    // Else somebody looks at what has changed meanwhile, and knows more.
    const isCurrent = sameSimulations(scope, await findScope(transaction, scope.version.versionId))
    const results: RuleResult[] = []
    for (const { rule, finding, obsolete, overruled } of findings) {
      if (isCurrent)
        for (const { recommendationId, reason } of obsolete)
          if (await closeObsolete(transaction, recommendationId, reason))
            results.push({ rule, status: 'OBSOLETE', reason, recommendationId })
      if (finding.status !== 'FOUND') {
        results.push({ rule, status: finding.status, reason: finding.reason, recommendationId: null })
        continue
      }
      for (const found of finding.found)
        results.push(
          await keep(
            transaction,
            { scope, sourceId: sourceId!, rule, mayReopen: isCurrent && !overruled.has(found.subject) },
            found,
            descriptions.get(found) ?? null,
          ),
        )
    }
    await measureEffects(transaction, scope.version)
    return results
  })
}

/** What came of looking unasked. */
export interface Advised {
  made: number
  reopened: number
  obsolete: number
}

/** The same for a tenant that did not ask for it. What was deleted meanwhile needs none. */
export async function generateUnasked(
  inTransaction: InTransaction,
  versionId: string,
  becauseOf: string,
  wording: Wording | null,
): Promise<Advised> {
  let results: RuleResult[] = []
  try {
    results = await generateRecommendations(inTransaction, { versionId, becauseOf }, wording)
  } catch (error) {
    if (!(error instanceof Refusal && error.code === 'CONFIG_VERSION_NOT_FOUND')) throw error
  }
  const of = (status: RuleResult['status']) => results.filter((each) => each.status === status).length
  return { made: of('MADE'), reopened: of('REOPENED'), obsolete: of('OBSOLETE') }
}

function sourceOf(subject: Subject, { version }: Scope): string | undefined {
  if ('simulationId' in subject) return subject.simulationId
  const ids = version.simulations.map(({ simulationId }) => simulationId)
  return 'becauseOf' in subject && ids.includes(subject.becauseOf) ? subject.becauseOf : ids[0]
}

function simulationsOf({ version, others }: Scope): string[] {
  return [version, ...others]
    .flatMap((each) => each.simulations.map(({ simulationId }) => simulationId))
    .sort()
}

const sameSimulations = (scope: Scope, now: Scope | null) =>
  now !== null && scope.isLatest === now.isLatest && simulationsOf(scope).join() === simulationsOf(now).join()

const isFound = (finding: Finding, subject: string) =>
  finding.status === 'FOUND' && finding.found.some((found) => found.subject === subject)

const earlierOf = ({ subject, suggests }: Pick<OpenRecommendation, 'subject' | 'suggests'>): Earlier => ({
  subject,
  restores: typeof suggests === 'string' ? suggests : undefined,
})

/**
 * Those of a rule that are not so any more: of the version that was looked at; where that is the latest, of earlier ones too, if that is sure. Where it is not, the
 * latest one has the last word.
 */
async function objections(
  { version, isLatest }: Scope,
  finding: Finding,
  open: readonly OpenRecommendation[],
  ofLatest: () => Promise<Finding | null>,
): Promise<Obsolete[]> {
  const obsolete: Obsolete[] = []
  for (const each of open) {
    if (isFound(finding, each.subject)) continue
    const objection = finding.against(earlierOf(each))
    if (objection === null || !(each.versionId === version.versionId || (isLatest && objection.isSure)))
      continue
    const latest = isLatest ? null : await ofLatest()
    if (latest && (isFound(latest, each.subject) || latest.against(earlierOf(each)) === null)) continue
    obsolete.push({ recommendationId: each.recommendationId, reason: objection.reason })
  }
  return obsolete
}

interface Obsolete {
  recommendationId: string
  reason: string
}

/** What came of a rule, what that says against those that are open, and about which subjects the latest version says otherwise. */
interface Looks {
  rule: RuleName
  finding: Finding
  obsolete: readonly Obsolete[]
  overruled: ReadonlySet<string>
}

interface Looked {
  configId: string
  /** Null where the configuration has no version. */
  scope: Scope | null
  findings: Looks[]
  known: Map<string, KnownRecommendation>
}

async function look(transaction: TenantTransaction, subject: Subject): Promise<Looked> {
  let versionId: string | null
  if ('versionId' in subject) versionId = subject.versionId
  else if ('simulationId' in subject) {
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
  const scope = await findScope(transaction, versionId)
  if (scope === null)
    throw new Refusal('CONFIG_VERSION_NOT_FOUND', `There is no version ${versionId}.`, ['versionId'])
  const { configId } = scope
  const known = await latestOfSubjects(transaction, configId)
  const open = await findOpen(transaction, configId, scope.version.versionNumber)
  let latest: Promise<Scope | null> | undefined
  const findings: Looks[] = []
  for (const rule of RULES) {
    const finding = await rule.look(transaction, scope)
    let found: Promise<Finding | null> | undefined
    const ofLatest = () => {
      latest ??= findLatestVersionId(transaction, configId).then((id) =>
        id ? findScope(transaction, id) : null,
      )
      found ??= latest.then((its) => its && rule.look(transaction, its))
      return found
    }
    const ofRule = open.filter((each) => each.rule === rule.name)
    findings.push({
      rule: rule.name,
      finding,
      obsolete: await objections(scope, finding, ofRule, ofLatest),
      overruled: await overruled(
        scope,
        finding,
        (subject) => known.get(subjectKey(rule.name, subject)),
        ofLatest,
      ),
    })
  }
  return { configId, scope, findings, known }
}

/** What became obsolete is not so again for runs of a version that is left, if it surely is not so of the latest one. */
async function overruled(
  { isLatest }: Scope,
  finding: Finding,
  knownOf: (subject: string) => KnownRecommendation | undefined,
  ofLatest: () => Promise<Finding | null>,
): Promise<Set<string>> {
  const subjects = new Set<string>()
  if (isLatest || finding.status !== 'FOUND') return subjects
  for (const { subject } of finding.found) {
    const known = knownOf(subject)
    if (known?.state !== 'obsolete') continue
    const latest = await ofLatest()
    const isOver =
      latest &&
      !isFound(latest, subject) &&
      latest.against(earlierOf({ subject, suggests: known.basis.suggests }))?.isSure === true
    if (isOver) subjects.add(subject)
  }
  return subjects
}

const subjectKey = (rule: RuleName, subject: string) => `${rule}\n${subject}`

/** Stores it, unless it says what is said already. */
async function keep(
  transaction: TenantTransaction,
  {
    scope,
    sourceId,
    rule,
    mayReopen,
  }: { scope: Scope; sourceId: string; rule: RuleName; mayReopen: boolean },
  found: Found,
  description: { text: string; by: string } | null,
): Promise<RuleResult> {
  const { configId, version } = scope
  const reopened = async (recommendationId: string): Promise<RuleResult> => {
    await supersede(transaction, { configId, rule, subject: found.subject, by: recommendationId })
    return { rule, status: 'REOPENED', reason: `It is so again: ${found.subject}.`, recommendationId }
  }
  const before = (await latestOfSubjects(transaction, configId, rule, found.subject)).get(
    subjectKey(rule, found.subject),
  )
  if (before && sameAs(found, before)) {
    if (mayReopen && before.state === 'obsolete' && (await reopen(transaction, before.recommendationId)))
      return reopened(before.recommendationId)
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
  const fingerprint = fingerprintOf(scope, rule, found)
  const recommendationId = await insertGenerated(transaction, {
    sourceId,
    rule,
    configId,
    configVersionId: version.versionId,
    subject: found.subject,
    fingerprint,
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
    // The runs that led to another one are gone.
    const first = await findFingerprint(transaction, fingerprint)
    const isUndecided = before?.state === 'open' || before?.state === 'obsolete'
    if (mayReopen && isUndecided && first && (await reopen(transaction, first.recommendationId)))
      return reopened(first.recommendationId)
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
function fingerprintOf(scope: Scope, rule: RuleName, found: Found): string {
  const parts: JsonObject = {
    rule,
    configId: scope.configId,
    subject: found.subject,
    versionId: scope.version.versionId,
    simulations: simulationsOf(scope),
    facts: found.facts,
    suggests: suggestionOf(found),
  }
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
