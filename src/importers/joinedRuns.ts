import type { ImportedOutcome, ImportedRun, ImportedScenario } from './format.ts'
import { append, identityOfRecords, repetitionsOf } from './recordReading.ts'

/**
 * Puts the parts of each run together (`partOf`), every record once. A run has an instance once: a second trajectory
 * of it is another attempt, which makes a run of its own. Which attempt is the first is told by their times, then by
 * their contents, never by the order of the files.
 */
export function joinRuns(parts: ImportedRun[]): ImportedRun[] {
  const groups = new Map<string, ImportedRun[]>()
  for (const part of parts) append(groups, part.partOf ?? part.identity, part)
  const missing = missingParts(parts)
  return [...groups.values()].flatMap((group) => {
    const distinct = withoutBeginnings([...new Map(group.map((part) => [part.identity, part])).values()])
    const copies = group.length - distinct.length
    if (distinct[0]!.partsRepeat)
      return [{ ...joined(distinct, copies), missing: missing.get(distinct[0]!.planned?.name ?? '') ?? 0 }]
    const attempts: ImportedRun[][] = []
    const attemptsAt = new Map<string, number>()
    for (const part of distinct) {
      const scenario = part.scenarios[0]!.externalId
      const attempt = attemptsAt.get(scenario) ?? 0
      attemptsAt.set(scenario, attempt + 1)
      attempts[attempt] = [...(attempts[attempt] ?? []), part]
    }
    return attempts.map((runs, attempt) => joined(runs, attempt === 0 ? copies : 0))
  })
}

/** In the order of their times; without the earlier copies of runs that have gone on since. */
function withoutBeginnings(parts: ImportedRun[]): ImportedRun[] {
  const furthest = new Map<string, ImportedRun>()
  for (const part of parts) {
    const [record] = part.outcomes
    for (const beginning of record?.beginnings ?? []) {
      const before = furthest.get(beginning)
      if (!before || isFurther(record!, before.outcomes[0]!)) furthest.set(beginning, part)
    }
  }
  return parts
    .filter((part) => {
      const [record] = part.outcomes
      return !record?.isUnfinished || furthest.get(record.beginnings?.at(-1) ?? '') === part
    })
    .sort(byTimeThenContent)
}

function isFurther(record: ImportedOutcome, other: ImportedOutcome): boolean {
  if (record.isUnfinished !== other.isUnfinished) return other.isUnfinished === true
  return (record.tokensUsed ?? 0) > (other.tokensUsed ?? 0)
}

/** How many parts the files lack of each name that is planned. */
function missingParts(parts: ImportedRun[]): Map<string, number> {
  const there = new Map<string, Set<string>>()
  for (const { planned, identity } of parts) {
    if (planned) there.set(planned.name, (there.get(planned.name) ?? new Set()).add(identity))
  }
  return new Map(
    parts.flatMap(({ planned }) =>
      planned ? [[planned.name, Math.max(0, planned.parts - there.get(planned.name)!.size)]] : [],
    ),
  )
}

function joined(parts: ImportedRun[], copies: number): ImportedRun {
  const [first] = parts as [ImportedRun]
  const outcomes = parts.flatMap((part) => part.outcomes)
  const { source_file, ...metadata } = first.metadata
  return {
    ...first,
    identity: first.wholeIdentity ?? identityOfRecords(outcomes.map(({ identity }) => identity ?? '')),
    state: parts.find(({ state }) => state === 'unfinished')?.state ?? first.state,
    scenarios: [...byExternalId(parts.flatMap((part) => part.scenarios)).values()],
    repetitions: repetitionsOf(outcomes),
    outcomes,
    copies,
    ...timesOf(parts),
    metadata: parts.length === 1 ? first.metadata : { ...metadata, source_files: parts.length },
  }
}

/** From the first start to the last end that the parts know of. */
function timesOf(parts: ImportedRun[]): Pick<ImportedRun, 'startedAt' | 'completedAt'> {
  const starts = parts.flatMap(({ startedAt }) => startedAt?.getTime() ?? [])
  const ends = parts.flatMap(({ completedAt }) => completedAt?.getTime() ?? [])
  return {
    startedAt: starts.length === 0 ? null : new Date(starts.reduce((a, b) => Math.min(a, b))),
    completedAt: ends.length === 0 ? null : new Date(ends.reduce((a, b) => Math.max(a, b))),
  }
}

/** Each scenario once, as the first part that describes it does. */
function byExternalId(scenarios: ImportedScenario[]): Map<string, ImportedScenario> {
  const byId = new Map<string, ImportedScenario>()
  for (const scenario of scenarios) {
    const before = byId.get(scenario.externalId)
    if (!before || (before.taskPrompt === null && scenario.taskPrompt !== null))
      byId.set(scenario.externalId, scenario)
  }
  return byId
}

function byTimeThenContent(a: ImportedRun, b: ImportedRun): number {
  const [timeA, timeB] = [a, b].map(({ outcomes }) => outcomes[0]?.executionTime?.getTime() ?? 0)
  return timeA! - timeB! || (a.identity < b.identity ? -1 : 1)
}
