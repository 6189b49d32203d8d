import { isJsonObject, type JsonObject, type JsonValue } from '../../../json.ts'
import { type ClusterSums, clusteredShareInterval } from '../../../statistics/clusteredShare.ts'
import { normalQuantile } from '../../../statistics/distributions.ts'
import { type Interval, wilsonInterval } from '../../../statistics/intervals.ts'
import { type ChangeSummary, changedPaths } from '../../configurations/configDiff.ts'
import { readConfigTree } from '../../configurations/configDocument.ts'
import { pointerTo } from '../../configurations/yamlEdit.ts'
import { confidenceOf } from '../confidence.ts'
import { type Impact, LEVEL } from '../impact.ts'
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
import { readToolFigures, type ToolFigures } from './ruleFigures.ts'

/** One call in ten: agents are used to a failed call now and then, and try again. */
const FAILS_OFTEN = 0.1
/** Of fewer calls or scenarios an interval spans half of all shares. */
const FEWEST_CALLS = 20
const FEWEST_SCENARIOS = 5
/** Runs with, and without, a failed call, to say what failing goes with. */
const FEWEST_RUNS = 5

interface ToolVersion {
  versionId: string
  versionNumber: number
  rawYaml: string
}

/** Tools that fail often under a version, by the share of their calls, beside the version's other tools and the same tool under other versions. */
export const FAILING_TOOLS: Rule = {
  name: 'failing_tool',
  async look(transaction, { version, others }) {
    const ids = [version, ...others].flatMap(({ simulations }) =>
      simulations.map((each) => each.simulationId),
    )
    return failingTools(await readToolFigures(transaction, ids), version, others)
  },
}

const enough = ({ events, clusters }: ClusterSums) => events >= FEWEST_CALLS && clusters >= FEWEST_SCENARIOS
const shareOf = ({ counted, events }: ClusterSums) => Math.min(1, counted / events)

function failingTools(
  figures: readonly ToolFigures[],
  version: ToolVersion,
  others: readonly ToolVersion[],
): Finding {
  const tools = figures.filter(({ versionId }) => versionId === version.versionId)
  const known = tools.filter(enough)
  const against = ({ subject }: Earlier) => objectionTo(subject, tools, figures, version, others)
  if (known.length === 0) {
    const [most] = [...tools].sort((a, b) => b.events - a.events)
    const seen = most
      ? `the most used, ${most.toolName}, has ${counted(most.events, 'call')} in ${counted(most.clusters, 'scenario')}`
      : 'none was called'
    return insufficient(
      `No tool has ${FEWEST_CALLS} calls in ${FEWEST_SCENARIOS} scenarios under version ${version.versionNumber}: ${seen}.`,
      against,
    )
  }
  // As many tools are looked at, one seems to fail by chance: Bonferroni.
  const level = 1 - (1 - LEVEL) / known.length
  const found = known.flatMap((tool): Found[] => {
    const interval = clusteredShareInterval(tool, level)!
    const restShare = shareOfOthers(tool, tools)
    const better = betterVersion(tool, interval, level, figures, others)
    if (interval.lower <= FAILS_OFTEN || (restShare !== null && interval.lower <= restShare && !better))
      return []
    return [recommended(tool, interval, level, restShare, better, version)]
  })
  if (found.length > 0) return { status: 'FOUND', found, against }
  const worst = known.reduce((a, b) => (shareOf(b) > shareOf(a) ? b : a))
  return nothing(
    `Of ${counted(known.length, 'tool')} with ${FEWEST_CALLS} calls or more none is sure to fail in more than ${percent(FAILS_OFTEN)} of them and more than the others: ` +
      `${worst.toolName} does most, in ${percent(shareOf(worst))} of ${worst.events}.`,
    against,
  )
}

/** In which share of their calls the other tools fail; null of few calls. */
function shareOfOthers({ toolName }: ToolFigures, tools: readonly ToolFigures[]): number | null {
  const rest = tools.filter((each) => each.toolName !== toolName)
  const calls = rest.reduce((sum, { events }) => sum + events, 0)
  return calls < FEWEST_CALLS ? null : rest.reduce((sum, each) => sum + each.counted, 0) / calls
}

function objectionTo(
  toolName: string,
  tools: readonly ToolFigures[],
  figures: readonly ToolFigures[],
  version: ToolVersion,
  others: readonly ToolVersion[],
): Objection | null {
  const tool = tools.find((each) => each.toolName === toolName)
  const under = `Under version ${version.versionNumber} ${toolName}`
  if (!tool || !enough(tool))
    return {
      reason: `${under} has ${counted(tool?.events ?? 0, 'call')} in ${counted(tool?.clusters ?? 0, 'scenario')}, too few to say that it fails often.`,
      isSure: false,
    }
  const share = shareOf(tool)
  const restShare = shareOfOthers(tool, tools)
  const isWorseThanOthers =
    restShare === null ||
    share > restShare ||
    betterVersion(tool, clusteredShareInterval(tool, LEVEL)!, LEVEL, figures, others) !== undefined
  if (share > FAILS_OFTEN && isWorseThanOthers) return null
  const beside = restShare === null ? '' : `, the other tools in ${percent(restShare)}`
  return { reason: `${under} fails in ${percent(share)} of ${tool.events} calls${beside}.`, isSure: true }
}

interface Better {
  version: ToolVersion
  figures: ToolFigures
}

/** The other version under which it surely failed less, least of all. */
function betterVersion(
  tool: ToolFigures,
  interval: Interval,
  level: number,
  figures: readonly ToolFigures[],
  others: readonly ToolVersion[],
): Better | undefined {
  return others
    .flatMap((version): Better[] => {
      const its = figures.find(
        (each) => each.versionId === version.versionId && each.toolName === tool.toolName,
      )
      return its && enough(its) && clusteredShareInterval(its, level)!.upper < interval.lower
        ? [{ version, figures: its }]
        : []
    })
    .sort((a, b) => shareOf(a.figures) - shareOf(b.figures))[0]
}

function recommended(
  tool: ToolFigures,
  interval: Interval,
  level: number,
  restShare: number | null,
  better: Better | undefined,
  version: ToolVersion,
): Found {
  const share = shareOf(tool)
  const { toolName, events, clusters } = tool
  const changes = better && restoredTool(version.rawYaml, better.version.rawYaml, toolName)
  const sentences = [
    `The tool ${toolName} fails often: under version ${version.versionNumber} in ${percent(share)} of ${events} calls in ${clusters} scenarios (${percent(interval.lower)} to ${percent(interval.upper)}).`,
  ]
  if (restShare !== null) sentences.push(`The other tools fail in ${percent(restShare)} of theirs.`)
  if (better)
    sentences.push(
      `Under version ${better.version.versionNumber} it failed in ${percent(shareOf(better.figures))} of ${better.figures.events} calls.`,
      changes
        ? 'It was defined otherwise there: the suggested change takes that definition back.'
        : 'What else differs between the two is in their diff.',
    )
  else sentences.push('Mend it, or tell the agent how to call it: the evidence has its most common error.')
  const impact = impactOfFailing(tool)
  if (impact.change !== null)
    sentences.push(
      `Runs in which a call of it failed succeeded in ${percent(tool.failingSucceeded / tool.failingRuns)} of ${tool.failingRuns}, those in which none did in ${percent(tool.cleanSucceeded / tool.cleanRuns)} of ${tool.cleanRuns}.`,
    )
  return {
    subject: toolName,
    type: 'tool_optimization',
    description: sentences.join(' '),
    confidence: confidenceOf((at) => clusteredShareInterval(tool, at)!.lower > FAILS_OFTEN),
    basis: { n: events, estimate: share, ...interval },
    facts: {
      toolName,
      calls: events,
      failedCalls: tool.counted,
      scenarios: clusters,
      failedShare: share,
      lower: interval.lower,
      upper: interval.upper,
      level,
      threshold: FAILS_OFTEN,
      otherToolsFailedShare: restShare,
      betterVersion: better ? better.version.versionNumber : null,
      betterVersionFailedShare: better ? shareOf(better.figures) : null,
    },
    impact,
    ...(changes && { changes }),
    evidence: [
      {
        toolName,
        summary: tool.error
          ? `Most common error: ${tool.error.slice(0, 500)}`
          : `${counted(tool.counted, 'call')} of ${events} failed.`,
      },
      ...tool.examples.map((example) => ({
        ...example,
        summary: `A run in which calls of ${toolName} failed.`,
      })),
      {
        configVersionId: version.versionId,
        summary: `The version under which ${percent(share)} of its calls failed.`,
      },
      ...(better
        ? [
            {
              configVersionId: better.version.versionId,
              summary: `The version under which ${percent(shareOf(better.figures))} of its calls failed.`,
            },
          ]
        : []),
    ],
  }
}

/**
 * What of the success rate goes with failed calls: the difference of runs with and without one, by the share of those with one (Newcombe 1998, method 10, for the interval). An
 * association: a task that is hard may make both fail.
 */
function impactOfFailing(tool: ToolFigures): Impact {
  const { cleanRuns, cleanSucceeded, failingRuns, failingSucceeded } = tool
  const n = cleanRuns + failingRuns
  const before = n === 0 ? null : (cleanSucceeded + failingSucceeded) / n
  const impact: Impact = {
    metric: 'SUCCESS_RATE',
    before,
    after: null,
    change: null,
    lower: null,
    upper: null,
    level: LEVEL,
    n,
    of: 'RUNS',
  }
  if (cleanRuns < FEWEST_RUNS || failingRuns < FEWEST_RUNS) return impact
  const z = normalQuantile((1 + LEVEL) / 2)
  const [clean, failing] = [cleanSucceeded / cleanRuns, failingSucceeded / failingRuns]
  const [ofClean, ofFailing] = [wilsonInterval(clean, cleanRuns, z), wilsonInterval(failing, failingRuns, z)]
  const weight = failingRuns / n
  const difference = clean - failing
  return {
    ...impact,
    after: before! + difference * weight,
    change: difference * weight,
    lower: (difference - Math.hypot(clean - ofClean.lower, ofFailing.upper - failing)) * weight,
    upper: (difference + Math.hypot(ofClean.upper - clean, failing - ofFailing.lower)) * weight,
  }
}

/** The changes that make the tool's definition in one YAML that of another; undefined where one has none, or several, or they are equal. */
export function restoredTool(yaml: string, from: string, toolName: string): ChangeSummary | undefined {
  const [now, then] = [
    definitionOf(readConfigTree(yaml), toolName),
    definitionOf(readConfigTree(from), toolName),
  ]
  if (!now || !then) return undefined
  const changes = changedPaths(now.definition, then.definition).map((change) => ({
    ...change,
    path: now.path + change.path,
  }))
  return changes.length > 0 ? changes : undefined
}

/** A mapping in a list that has the tool's name as its `name` or `id`, or the mapping under that name among `tools`. */
function definitionOf(
  tree: JsonObject,
  toolName: string,
): { path: string; definition: JsonObject } | undefined {
  const found: { path: string; definition: JsonObject }[] = []
  const search = (value: JsonValue, steps: (string | number)[]) => {
    if (Array.isArray(value)) {
      for (const [index, element] of value.entries()) {
        if (isJsonObject(element) && (element.name === toolName || element.id === toolName))
          found.push({ path: pointerTo([...steps, index]), definition: element })
        else search(element, [...steps, index])
      }
    } else if (isJsonObject(value)) {
      for (const [key, element] of Object.entries(value)) {
        if (key === toolName && steps.at(-1) === 'tools' && isJsonObject(element))
          found.push({ path: pointerTo([...steps, key]), definition: element })
        else search(element, [...steps, key])
      }
    }
  }
  search(tree, [])
  return found.length === 1 ? found[0] : undefined
}
