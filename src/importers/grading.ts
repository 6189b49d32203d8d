import type { ArcClient } from '../client/arcClient.ts'
import {
  type FailurePatternInput,
  FindOutcomesOfScenariosDocument,
  type FindOutcomesOfScenariosQuery,
  type OutcomeAmendmentInput,
  type OutcomeStatus,
} from '../client/operations.ts'
import { scenarioKey } from '../evaluation/scenarios/scenarioKey.ts'
import type { JsonObject } from '../json.ts'
import type { ImportedGrade, ImportedGrades, RejectedRecord } from './format.ts'
import { UnreadableFile } from './format.ts'
import { append, asList, asObject } from './recordReading.ts'
import { type RunEnd, statusOf } from './rewardChecks.ts'
import { modelOrUnknown } from './runConfiguration.ts'
import { figuresOf, type RunFigures } from './runFigures.ts'

const MAX_IDS_PER_QUERY = 500
const MAX_LISTED_SIMULATIONS = 10

type FoundOutcome = FindOutcomesOfScenariosQuery['outcomes']['nodes'][number]

/** What became of the grades of a file. */
export interface GradingReport {
  simulation: { simulationId: string; name: string | null } | null
  amended: number
  /** Grades that the outcomes had already. */
  unchanged: number
  /** Of the grades that the outcomes have now. */
  graded: number
  passed: number
  rejected: RejectedRecord[]
  notes: string[]
  /** Of the whole simulation, as it is now. */
  figures: RunFigures | null
}

/** The grades of several files of one run as those of one; where two grade one task, each adds what it knows. */
export function mergedGrades(files: ImportedGrades[]): {
  grades: ImportedGrades
  rejected: RejectedRecord[]
} {
  const byTask = new Map<string, ImportedGrade>()
  const rejected: RejectedRecord[] = []
  for (const grade of files.flatMap(({ grades }) => grades)) {
    const { scenarioExternalId: task } = grade
    const before = byTask.get(task)
    if (before && before.score !== null && grade.score !== null && before.score !== grade.score) {
      rejected.push({
        record: task,
        reason: `it is graded twice, with ${before.score} and with ${grade.score}`,
      })
      continue
    }
    byTask.set(task, {
      scenarioExternalId: task,
      score: before?.score ?? grade.score,
      failures: before && before.failures.length > grade.failures.length ? before.failures : grade.failures,
      metrics: { ...before?.metrics, ...grade.metrics },
    })
  }
  return { grades: { ...files[0]!, grades: [...byTask.values()] }, rejected }
}

/** Which simulation is graded, where a file's own words leave that open. */
export interface GradingTarget {
  /** The one that was named. */
  simulationId?: string
  /** Those that this import has read: they go before others. */
  imported: ReadonlySet<string>
}

/**
 * Grades the outcomes of one simulation, each by its last attempt. It is the one that was named, else the only one with
 * these tasks: of the model that the file names, and of this import. A file that could not grade an outcome leaves it the
 * grade that it has.
 *
 * @throws UnreadableFile when it could be several, and when all are of other models.
 */
export async function importGrades(
  client: ArcClient,
  { grader, model, grades }: ImportedGrades,
  target: GradingTarget,
): Promise<GradingReport> {
  const bySimulation = new Map<string, FoundOutcome[]>()
  for (const outcome of await outcomesOf(client, grades)) {
    append(bySimulation, outcome.simulation.simulationId, outcome)
  }
  const outcomes = chosen(bySimulation, model, target)
  const byScenario = new Map<string, FoundOutcome[]>()
  for (const outcome of lastAttempts(outcomes)) append(byScenario, outcome.scenarioId, outcome)
  const report: GradingReport = {
    simulation: outcomes[0] ? simulationOf(outcomes[0]) : null,
    amended: 0,
    unchanged: 0,
    graded: 0,
    passed: 0,
    rejected: [],
    notes: notesOf(outcomes, model),
    figures: null,
  }
  const rows: { grade: ImportedGrade; amendment: OutcomeAmendmentInput }[] = []
  let kept = 0
  for (const grade of grades) {
    const [outcome, ...others] = byScenario.get(scenarioKey(grade.scenarioExternalId)) ?? []
    if (!outcome || others.length > 0) {
      const reason = outcome
        ? `it has ${others.length + 1} repetitions, and one grade`
        : 'Arc has no outcome of it to grade'
      report.rejected.push({ record: grade.scenarioExternalId, reason })
    } else if (grade.score === null && outcome.reliabilityScore !== null) {
      kept++
      countGrade(report, outcome.reliabilityScore)
    } else rows.push({ grade, amendment: amendmentOf(outcome, grade, grader) })
  }
  report.unchanged = kept
  if (kept > 0)
    report.notes.push(
      `${kept} ${kept === 1 ? 'outcome keeps the grade that it has' : 'outcomes keep the grade that they have'}: this file has none`,
    )
  const receipts = rows.length === 0 ? [] : await client.amendOutcomes(rows.map(({ amendment }) => amendment))
  for (const { index, status, reason } of receipts) {
    const { grade } = rows[index]!
    if (status === 'REJECTED') {
      report.rejected.push({ record: grade.scenarioExternalId, reason: reason ?? 'no reason given' })
      continue
    }
    if (status === 'AMENDED') report.amended++
    else report.unchanged++
    countGrade(report, grade.score)
  }
  if (report.simulation) report.figures = await figuresOf(client, report.simulation.simulationId, [])
  return report
}

function countGrade(report: GradingReport, score: number | null): void {
  if (score !== null) report.graded++
  if (score === 1) report.passed++
}

async function outcomesOf(client: ArcClient, grades: ImportedGrade[]): Promise<FoundOutcome[]> {
  const found: FoundOutcome[] = []
  const keys = grades.map(({ scenarioExternalId }) => scenarioKey(scenarioExternalId))
  for (let start = 0; start < keys.length; start += MAX_IDS_PER_QUERY) {
    const scenarioIds = keys.slice(start, start + MAX_IDS_PER_QUERY)
    let after: string | null | undefined
    do {
      const { outcomes }: FindOutcomesOfScenariosQuery = await client.request(
        FindOutcomesOfScenariosDocument,
        {
          scenarioIds,
          after,
        },
      )
      found.push(...outcomes.nodes)
      after = outcomes.pageInfo.hasNextPage ? outcomes.pageInfo.endCursor : null
    } while (after)
  }
  return found
}

function chosen(
  bySimulation: Map<string, FoundOutcome[]>,
  model: string | null,
  { simulationId, imported }: GradingTarget,
): FoundOutcome[] {
  if (simulationId !== undefined) return bySimulation.get(simulationId) ?? []
  const all = [...bySimulation.values()]
  let candidates = all
  const narrow = (fits: (outcome: FoundOutcome) => boolean): boolean => {
    const fitting = candidates.filter(([outcome]) => fits(outcome!))
    if (fitting.length > 0) candidates = fitting
    return fitting.length > 0
  }
  if (model !== null && all.length > 0) {
    const isOne = narrow((outcome) => isModel(outcome.model, model))
    if (!isOne && !narrow((outcome) => modelOrUnknown(outcome.model) === modelOrUnknown(null))) {
      const models = [...new Set(all.map(([outcome]) => outcome!.model))].slice(0, MAX_LISTED_SIMULATIONS)
      throw new UnreadableFile(
        `It grades a run of the model ${model}, and those of its tasks are of ${models.join(', ')}: ` +
          `if it grades one of these, name one with --simulation. ${listed(all)}`,
      )
    }
  }
  narrow(({ simulation }) => imported.has(simulation.simulationId))
  if (model !== null) narrow((outcome) => plainName(outcome.model ?? '') === plainName(model))
  if (candidates.length < 2) return candidates[0] ?? []
  throw new UnreadableFile(
    `It may grade ${candidates.length} simulations, and does not say which: name one with --simulation. ${listed(candidates)}`,
  )
}

function listed(simulations: FoundOutcome[][]): string {
  return simulations
    .slice(0, MAX_LISTED_SIMULATIONS)
    .map(([outcome]) => `${outcome!.simulation.simulationId} (${outcome!.simulation.simulationName})`)
    .join(', ')
}

/**
 * Names of folders and files have other characters in place of a slash; they may leave out the provider and the date of a
 * model, and may have an agent's name in front of it or, after two underscores, settings behind it. The rest is one name:
 * `gpt-4` is neither `gpt-4o` nor `gpt-4-mini`.
 */
function isModel(stored: string | null, named: string): boolean {
  const parts = [named, ...named.split('__')].map(plainName)
  const path = (stored ?? '').split('/')
  const models = path.map((_, index) => plainName(path.slice(index).join('/'))).filter((name) => name !== '')
  return models.some((model) => parts.some((part) => part === model || part.endsWith(`-${model}`)))
}

function plainName(model: string): string {
  const name = model.toLowerCase().replace(/[^a-z\d]+/g, '-')
  return name.replace(/-20\d{2}-?\d{2}-?\d{2}$/, '')
}

function lastAttempts(outcomes: FoundOutcome[]): FoundOutcome[] {
  const last = new Map<string, FoundOutcome>()
  for (const outcome of outcomes) {
    const key = JSON.stringify([outcome.scenarioId, outcome.repetition])
    const before = last.get(key)
    if (!before || before.retryCount < outcome.retryCount) last.set(key, outcome)
  }
  return [...last.values()]
}

/** The status follows from how the run had ended, and why, before it was graded: the metrics keep both. */
function amendmentOf(
  { outcomeId, status, metrics: stored, failurePatterns }: FoundOutcome,
  { score, metrics, failures }: ImportedGrade,
  grader: string,
): OutcomeAmendmentInput {
  const before = asObject(stored)
  const { ended_as, ended_with } = asObject(before[grader])
  const endedAs = (ended_as as OutcomeStatus | undefined) ?? status
  const ENDS: Record<OutcomeStatus, RunEnd> = {
    SUCCESS: 'finished',
    ERROR: 'error',
    TIMEOUT: 'timeout',
    CANCELLED: 'cancelled',
  }
  const graded = statusOf(ENDS[endedAs], score).toUpperCase() as OutcomeStatus
  // A success has no failures: those of the run's end would be gone with the grade.
  const isHidden = graded === 'SUCCESS' && status !== 'SUCCESS' && status === endedAs
  const reasons = isHidden ? { ended_with: failurePatterns.nodes.map((pattern) => ({ ...pattern })) } : {}
  const given = failures.map((pattern) => ({ ...pattern, failureCategory: 'VALIDATION_ERROR' as const }))
  const ofEnd = asList(ended_with) as unknown as FailurePatternInput[]
  return {
    outcomeId,
    ...(score === null ? {} : { reliabilityScore: score }),
    metrics: {
      ...before,
      [grader]: { ...asObject(before[grader]), ...metrics, ended_as: endedAs, ...reasons },
    },
    ...(graded === status
      ? {}
      : { status: graded, ...errorFields(graded, ofEnd.length > 0 ? ofEnd : given) }),
  }
}

/** Of an outcome's metrics those that graders have added: they say how the run had ended before. */
export function gradersMetrics(metrics: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(metrics).filter(([, entry]) => 'ended_as' in asObject(entry)))
}

function errorFields(
  status: OutcomeStatus,
  failurePatterns: FailurePatternInput[],
): Pick<OutcomeAmendmentInput, 'error' | 'errorCode' | 'errorCategory' | 'failurePatterns'> {
  const [first] = failurePatterns
  return status === 'SUCCESS' || !first
    ? { errorCode: null }
    : {
        error: first.errorMessage,
        errorCode: first.failureType,
        errorCategory: first.failureCategory,
        failurePatterns,
      }
}

function notesOf([outcome]: FoundOutcome[], model: string | null): string[] {
  if (!outcome || model === null || isModel(outcome.model, model)) return []
  return [`the file names the model ${model}; the simulation's is ${outcome.model}`]
}

function simulationOf({ simulation }: FoundOutcome): GradingReport['simulation'] {
  return { simulationId: simulation.simulationId, name: simulation.simulationName ?? null }
}
