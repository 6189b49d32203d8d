import type { GateSimulationFragment, RegressionGateQuery } from '../client/operations.ts'

type Gate = NonNullable<RegressionGateQuery['regressionGate']>
type Comparison = NonNullable<RegressionGateQuery['compareSimulations']>[number]
type Total = Comparison['totals'][number]

interface Reported extends Pick<Gate, 'passed' | 'reasons'> {
  baseline: GateSimulationFragment
  candidate: GateSimulationFragment
  comparison: Comparison
}

const SIGNS = { PASSED: '✅', FAILED: '❌', INSUFFICIENT_DATA: '❔' } as const
const WORDS = {
  BETTER: 'better',
  WORSE: '**worse**',
  NO_DIFFERENCE: 'no difference',
  INSUFFICIENT_DATA: 'cannot tell',
} as const

/** The report of a gate as Markdown, for a pull request. */
export function gateReport({ baseline, candidate, passed, reasons, comparison }: Reported): string {
  const { counts, totals, scenarios } = comparison
  const known = totals.filter(({ scenarios }) => scenarios > 0)
  const open = known.filter(({ verdict }) => verdict === 'INSUFFICIENT_DATA')
  return [
    `## ${passed ? '✅ May ship' : '❌ May not ship'}`,
    table(
      ['', 'simulation', 'configuration', 'model'],
      [
        ['baseline', ...described(baseline)],
        ['candidate', ...described(candidate)],
      ],
    ),
    table(
      ['', 'rule', 'why'],
      reasons.map(({ status, rule, message }) => [SIGNS[status], rule, message]),
    ),
    '### Metrics',
    'Means over the scenarios that both have, each over its repetitions; intervals of 95 %, p-values corrected for all metrics, those that are equal counted once.',
    table(
      ['metric', 'scenarios', 'baseline', 'candidate', 'difference', '95 %', 'p', ''],
      known.map((total) => [
        nameOf(total),
        String(total.scenarios),
        figure(total.baselineMean),
        figure(total.candidateMean),
        signed(total.difference),
        total.interval ? `${signed(total.interval.lower)} to ${signed(total.interval.upper)}` : '',
        figure(total.adjustedPValue),
        WORDS[total.verdict],
      ]),
    ),
    ...(open.length > 0 ? ['### What cannot be told', ...open.map(why)] : []),
    `### Scenarios`,
    `${counts.regressed} of ${counts.scenarios} went worse, ${counts.improved} better; ${counts.onlyInOne} ran in one of the two only.` +
      (counts.revisionDiffers > 0
        ? ` Of ${counts.revisionDiffers} the prompt or the expected answer changed in between.`
        : ''),
    ...(scenarios.nodes.length === 0
      ? []
      : [
          table(
            ['went worse', 'baseline', 'candidate'],
            scenarios.nodes.map((node) => [
              `${code(node.scenarioId)}${node.revisionDiffers ? ' (changed)' : ''}`,
              ofRuns(node.baselineSucceeded, node.baselineRuns, node.baselineScore),
              ofRuns(node.candidateSucceeded, node.candidateRuns, node.candidateScore),
            ]),
          ),
        ]),
    ...(scenarios.totalCount > scenarios.nodes.length
      ? [`… and ${scenarios.totalCount - scenarios.nodes.length} more.`]
      : []),
    '',
  ].join('\n\n')
}

function described({ simulationId, simulationName, configVersion }: GateSimulationFragment): string[] {
  return [
    `${simulationName ?? ''} ${code(simulationId)}`.trim(),
    `${configVersion.configuration.name}, version ${configVersion.versionNumber}`,
    configVersion.model,
  ]
}

function why({ needed, reason, ...total }: Total): string {
  return [`- ${nameOf(total)}: ${reason}`, ...needs(needed)].join(' ')
}

function needs(needed: Total['needed']): string[] {
  if (!needed) return []
  const ways = [
    ...(needed.repetitions === null ? [] : [`${needed.repetitions} repetitions of each scenario`]),
    ...(needed.scenarios === null ? [] : [`${needed.scenarios} scenarios`]),
  ]
  if (ways.length === 0) return []
  return [`To show a difference of ${figure(needed.difference)}: ${ways.join(', or ')}.`]
}

const nameOf = ({ metric, dimension }: Pick<Total, 'metric' | 'dimension'>) =>
  dimension === null ? metric.toLowerCase() : code(dimension)

const ofRuns = (succeeded: number, runs: number, score: number | null) =>
  `${succeeded} of ${runs}${score === null ? '' : `, score ${figure(score)}`}`

const figure = (value: number | null) => (value === null ? '' : String(Number(value.toPrecision(3))))
const signed = (value: number | null) => (value !== null && value > 0 ? `+${figure(value)}` : figure(value))
const code = (text: string) => `\`${text.replaceAll('`', '´')}\``

/** Names come out of files: none ends its cell or its line, links or mentions somebody. */
const cell = (text: string) =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\\|<>@[\]]/g, (sign) => `\\${sign}`)
    .replace(/(`[^`]*`)/g, (inner) => inner.replace(/\\(?=[<>@[\]\\])/g, ''))

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map(cell).join(' | ')} |`)
    .join('\n')
}
