import { normalQuantile } from '../../../statistics/distributions.ts'
import { wilsonInterval } from '../../../statistics/intervals.ts'
import { confidenceOf } from '../confidence.ts'
import type { Evidence } from '../evidence.ts'
import { LEVEL } from '../impact.ts'
import { counted, percent } from '../words.ts'
import {
  type Earlier,
  type Finding,
  type Found,
  insufficient,
  nothing,
  type Objection,
  type Rule,
} from './rule.ts'
import { MOST_LOOKED_AT, type Neighbourhood, readNeighbourhoods } from './ruleFigures.ts'

/** One scenario in five: below it a neighbourhood has failures as any other. */
const FAILS_OFTEN = 0.2
const FEWEST_SCENARIOS = 5
/** Neighbourhoods overlap: a person looks at those that are worst. */
const MOST_FOUND = 3

interface CoverageVersion {
  versionId: string
  versionNumber: number
  simulations: readonly unknown[]
}

/** Scenarios that nobody runs near those that fail: of the same tag, or of the same source and difficulty. */
export const UNCOVERED_SCENARIOS: Rule = {
  name: 'uncovered_scenarios',
  async look(transaction, { version }) {
    const ids = version.simulations.map(({ simulationId }) => simulationId)
    return uncoveredScenarios(await readNeighbourhoods(transaction, ids), version)
  },
}

function uncoveredScenarios(all: readonly Neighbourhood[], version: CoverageVersion): Finding {
  const number = version.versionNumber
  const neighbourhoods = all.filter(({ uncovered }) => uncovered > 0).slice(0, MOST_LOOKED_AT)
  const against = ({ subject }: Earlier) => objectionTo(subject, all, number)
  if (version.simulations.length === 0) return insufficient(`Version ${number} has no completed simulation.`)
  if (neighbourhoods.length === 0)
    return nothing(
      `Version ${number} ran every active scenario that has a tag or a source with one that it ran.`,
      against,
    )
  const known = neighbourhoods.filter(standsOut)
  if (known.length === 0)
    return insufficient(
      `Of no neighbourhood with scenarios that version ${number} did not run it ran ${FEWEST_SCENARIOS}, and as many others to compare them with.`,
      against,
    )
  const level = 1 - (1 - LEVEL) / known.length
  const failing = known
    .map((each) => ({ ...each, ...intervalOf(each, level), bar: barOf(each) }))
    .filter(({ lower, bar }) => lower > bar)
    .sort((a, b) => b.lower - a.lower || (a.key < b.key ? -1 : 1))
  const seen = new Set<string>()
  const found = failing.flatMap((each): Found[] => {
    // A tag and a source may be of the same scenarios.
    const same = each.uncoveredIds.join('\n')
    if (seen.has(same) || seen.size === MOST_FOUND) return []
    seen.add(same)
    return [recommended(each, level, version)]
  })
  if (found.length > 0) return { status: 'FOUND', found, against }
  const most = known.reduce((a, b) => (b.failing / b.ran > a.failing / a.ran ? b : a))
  return nothing(
    `No neighbourhood with scenarios that version ${number} did not run is sure to fail more than ${percent(FAILS_OFTEN)} and more than the others: of those ${named(most.key)} most do, ${most.failing} of ${most.ran}.`,
    against,
  )
}

/** What is all that ran is no neighbourhood: nothing stands out. */
const standsOut = ({ ran, othersRan }: Neighbourhood) =>
  ran >= FEWEST_SCENARIOS && othersRan >= FEWEST_SCENARIOS

function objectionTo(key: string, all: readonly Neighbourhood[], number: number): Objection | null {
  const of = all.find((each) => each.key === key)
  if (!of) return { reason: `Version ${number} ran no scenario ${named(key)}.`, isSure: false }
  if (of.uncovered === 0)
    return { reason: `Version ${number} ran every active scenario ${named(key)}.`, isSure: true }
  if (!standsOut(of))
    return {
      reason: `Version ${number} ran ${counted(of.ran, 'scenario')} ${named(key)} and ${of.othersRan} others: too few to compare them.`,
      isSure: false,
    }
  if (of.failing / of.ran > barOf(of)) return null
  return {
    reason: `Of the ${of.ran} scenarios ${named(key)} that version ${number} ran ${of.failing} fail, of all others ${of.othersFailing} of ${of.othersRan}.`,
    isSure: true,
  }
}

const intervalOf = ({ failing, ran }: Neighbourhood, level: number) =>
  wilsonInterval(failing / ran, ran, normalQuantile((1 + level) / 2))

/** `tag:airline` → `with the tag airline` */
const named = (key: string) =>
  key.startsWith('tag:') ? `with the tag ${key.slice(4)}` : `from the source ${key.slice('source:'.length)}`

/** Above which share of failing scenarios a neighbourhood stands out. */
const barOf = ({ othersRan, othersFailing }: Neighbourhood) =>
  Math.max(FAILS_OFTEN, othersFailing / othersRan)

function recommended(
  of: Neighbourhood & { lower: number; upper: number; bar: number },
  level: number,
  version: CoverageVersion,
): Found {
  const { key, ran, failing, othersRan, othersFailing, uncovered, lower, upper, signature, failureType } = of
  const share = failing / ran
  const sentences = [
    `${counted(uncovered, 'active scenario')} ${named(key)} ${uncovered === 1 ? 'was' : 'were'} not run by version ${version.versionNumber}, and ${failing} of the ${ran} that it ran there fail (${percent(share)}, ${percent(lower)} to ${percent(upper)}), of all others ${othersFailing} of ${othersRan}.`,
  ]
  if (failureType) sentences.push(`The most common failure among them is ${failureType}.`)
  sentences.push('Run them: they are likely to show more of it, and whether a change helps there.')
  const evidence: Evidence[] = [
    ...of.uncoveredIds.map((scenarioId) => ({
      scenarioId,
      summary: `Was not run, and is ${named(key)}.`,
    })),
    ...of.failingIds
      .slice(0, 5)
      .map((scenarioId) => ({ scenarioId, summary: `Fails, and is ${named(key)}.` })),
    ...(signature ? [{ signature, summary: `The most common failure among them: ${failureType}.` }] : []),
    { configVersionId: version.versionId, summary: 'The version that fails there.' },
  ]
  return {
    subject: key,
    type: 'scenario_addition',
    description: sentences.join(' '),
    confidence: confidenceOf((at) => intervalOf(of, at).lower > of.bar),
    basis: { n: ran + uncovered, estimate: share, lower, upper },
    facts: {
      neighbourhood: key,
      ran,
      failing,
      failingShare: share,
      lower,
      upper,
      level,
      threshold: FAILS_OFTEN,
      othersRan,
      othersFailing,
      uncovered,
    },
    impact: {
      metric: 'FAILURES_FOUND',
      before: 0,
      after: share * uncovered,
      change: share * uncovered,
      lower: lower * uncovered,
      upper: upper * uncovered,
      level,
      n: ran,
      of: 'SCENARIOS',
    },
    evidence,
  }
}
