import type { Condition } from '../../reads/condition.ts'
import { fieldsOf } from '../../reads/conditionSql.ts'
import { Refusal } from '../../refusal.ts'

export type Grain = 'hour' | 'day' | 'week' | 'month'

/** What runs are told apart by: the field of the sums that has it. */
export type GroupedBy = 'model' | 'configId' | 'configVersionId' | 'scenarioId' | 'status'

/** What is asked about: the field of the sums that holds its key; undefined for all that the tenant has. */
export type AskedAbout = 'configId' | 'configVersionId' | 'scenarioId' | 'simulationId' | undefined

/** How did runs go in a range of time, bucket by bucket? */
export interface PerformanceQuestion {
  about: AskedAbout
  /** The range is widened to whole buckets. Missing: see `rangeSql`. */
  from: Date | undefined
  to: Date | undefined
  grain: Grain
  timeZone: string
  by: GroupedBy | undefined
  /** On fields of the sums. */
  where: Condition
}

/** Where sums are taken from: roll-ups, or the outcomes themselves. */
export type Source =
  | 'tenant_days'
  | 'tenant_hours'
  | 'tenant_scenario_days'
  | 'outcome_days'
  | 'scenario_days'
  | 'outcome_hours'
  | 'metric_days'
  | 'tool_days'
  | 'outcomes'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS

/** The least length of each. */
export const GRAIN_HOURS: Readonly<Record<Grain, number>> = {
  hour: 1,
  day: 23,
  week: 7 * 24 - 1,
  month: 28 * 24 - 1,
}

export const MOST_BUCKETS = 1_000
/** Of which outcomes themselves are read. */
const MOST_DAYS_OF_OUTCOMES = 92
/** When nobody says. */
export const DEFAULT_DAYS = 30

/** The fields that each has beside its sums; `configId` is its version's. */
const FIELDS: Readonly<Record<Exclude<Source, 'outcomes'>, readonly string[]>> = {
  tenant_days: [],
  tenant_hours: [],
  tenant_scenario_days: ['scenarioId'],
  outcome_days: ['configId', 'configVersionId', 'model'],
  scenario_days: ['configId', 'configVersionId', 'scenarioId'],
  outcome_hours: ['configId', 'configVersionId', 'simulationId', 'model'],
  metric_days: ['configId', 'configVersionId', 'simulationId'],
  tool_days: ['configId', 'configVersionId', 'simulationId'],
}

/** Whether its rows are told apart by configuration versions. */
export function knowsVersions(source: Source): boolean {
  return source === 'outcomes' || FIELDS[source].includes('configVersionId')
}

/**
 * @throws Refusal BAD_USER_INPUT for a time zone that is none and a range that is empty, LIMIT_EXCEEDED for more buckets than
 * an answer has. `now` is called only where the answer hangs on it.
 */
export function checkQuestion(
  { from, to, grain, timeZone, about }: PerformanceQuestion,
  now: () => Date,
): void {
  checkTimeZone(timeZone)
  if (from && to && from >= to)
    throw new Refusal(
      'BAD_USER_INPUT',
      `range ends before it begins: ${from.toISOString()} to ${to.toISOString()}.`,
      ['range'],
    )
  // Without a beginning it is DEFAULT_DAYS long, and a simulation's own time is cut where it is read.
  if (!from) return
  const end = to ?? (about === 'simulationId' ? from : now())
  const buckets = Math.ceil((end.getTime() - from.getTime()) / (GRAIN_HOURS[grain] * HOUR_MS))
  if (buckets > MOST_BUCKETS)
    throw new Refusal(
      'LIMIT_EXCEEDED',
      `The range has about ${buckets} buckets of one ${grain}; ${MOST_BUCKETS} is the limit: take a shorter range or a longer grain.`,
      ['range'],
    )
}

/**
 * Where the sums of a question are, by what it is about, its filter and what else they are told apart by; of metrics and tools
 * where `of` says.
 *
 * @throws Refusal LIMIT_EXCEEDED where only outcomes can tell, and the range is too long to read them.
 */
export function sourceOf(
  question: PerformanceQuestion,
  { by, of = 'outcome' }: { by?: GroupedBy | undefined; of?: 'outcome' | 'metric' | 'tool' },
  now: () => Date,
): Source {
  const { about, grain, timeZone, where } = question
  const needed = new Set([
    ...fieldsOf(where),
    ...(about ? [about] : []),
    ...(by && by !== 'status' ? [by] : []),
  ])
  const has = (source: Exclude<Source, 'outcomes'>) =>
    [...needed].every((field) => FIELDS[source].includes(field))
  const inDays = grain !== 'hour' && isUtc(timeZone)
  const candidates = {
    // The fewest rows first.
    outcome: [
      ...(inDays ? (['tenant_days', 'tenant_scenario_days', 'outcome_days', 'scenario_days'] as const) : []),
      ...(hasWholeHours(timeZone) ? (['tenant_hours', 'outcome_hours'] as const) : []),
    ],
    metric: inDays ? (['metric_days'] as const) : [],
    tool: inDays ? (['tool_days'] as const) : [],
  }[of]
  return candidates.find(has) ?? outcomesOf(question, now)
}

function outcomesOf({ about, from, to }: PerformanceQuestion, now: () => Date): Source {
  // Those of a simulation an index finds.
  if (about === 'simulationId') return 'outcomes'
  if (!from) return 'outcomes'
  const days = ((to ?? now()).getTime() - from.getTime()) / DAY_MS
  if (days <= MOST_DAYS_OF_OUTCOMES) return 'outcomes'
  throw new Refusal(
    'LIMIT_EXCEEDED',
    `This is answered from outcomes one by one, for at most ${MOST_DAYS_OF_OUTCOMES} days: take a shorter range, or days, weeks or months of UTC without what only outcomes tell (see the description of performance).`,
    ['range'],
  )
}

const ZONE = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/

/** @throws Refusal BAD_USER_INPUT */
function checkTimeZone(timeZone: string): void {
  try {
    // PostgreSQL takes offsets as well, with their sign the other way round.
    if (!ZONE.test(timeZone)) throw new RangeError('no name')
    new Intl.DateTimeFormat('en', { timeZone })
  } catch {
    const message = `${JSON.stringify(timeZone)} is no time zone: give a name such as "Europe/Berlin" or "UTC".`
    throw new Refusal('BAD_USER_INPUT', message, ['timeZone'])
  }
}

function isUtc(timeZone: string): boolean {
  return /^(etc\/)?(utc|uct|universal|zulu|gmt)$/i.test(timeZone)
}

const wholeHours = new Map<string, boolean>()

/** Whether hours of the zone are hours of UTC, at any time that an outcome may have. */
function hasWholeHours(timeZone: string): boolean {
  const known = wholeHours.get(timeZone)
  if (known !== undefined) return known
  const format = new Intl.DateTimeFormat('en', { timeZone, minute: 'numeric' })
  const end = Date.now() + 366 * DAY_MS
  let isWhole = true
  for (let at = Date.UTC(2000, 0, 1); isWhole && at < end; at += 28 * DAY_MS)
    isWhole = Number(format.format(at)) === 0
  // Names may be written in any case.
  if (wholeHours.size < 1_000) wholeHours.set(timeZone, isWhole)
  return isWhole
}
