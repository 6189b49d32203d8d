import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { ownQueryOn } from '../../src/jobs/embeddingStore.ts'
import { recommend } from '../../src/jobs/recommend.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { detectableDifference } from '../../src/statistics/power.ts'
import { Arc } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { ENGINES, query } from '../support/emptyDatabase.ts'
import {
  type Brings,
  calls,
  EvaluatedAgent,
  fails,
  MINI,
  oneRun,
  partly,
  runsOf,
  searches,
  timeouts,
  useAgentDatabase,
  YAML,
} from '../support/evaluatedAgent.ts'
import { server } from '../support/jobs.ts'
import { WebhookReceiver } from '../support/webhookReceiver.ts'

const graded = (passes: boolean) => ({
  status: passes ? 'SUCCESS' : 'ERROR',
  reliabilityScore: passes ? 1 : 0,
})

/** What one agent has, and what comes of one rule. */
interface Case {
  title: string
  has(agent: EvaluatedAgent): Promise<unknown>
  status: 'MADE' | 'NOTHING_FOUND' | 'INSUFFICIENT_DATA'
  reason?: RegExp
  shows?: object
  /** Of all that it made, in order; one unless said. */
  subjects?: string[]
  /** Its first links. */
  evidence?: object[]
}

const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `s_${String(from + n).padStart(3, '0')}`)
const logger = createLogger('silent')
const near = (value: number, digits = 9) => expect.closeTo(value, digits)
const TOP = `${YAML}top_p: 1\n`
const NANO = YAML.replace('gpt-4.1', 'gpt-4.1-nano')
/** Each has one call of `search`, and 15 of them one that fails: first, and not again. */
const retried: Brings = (at) =>
  at.scenario < 15 ? [searches(15)(at), searches(0)(at)].flat() : searches(0)(at)
/** These times out after so long; of the others most take one time, and the last some another. */
const mostly =
  (afterMs: number, takesMs: number, last = 0, lastTakesMs = 0): Brings =>
  ({ scenario }) =>
    scenario < 15
      ? { status: 'TIMEOUT', executionTimeMs: afterMs }
      : { executionTimeMs: scenario < 60 - last ? takesMs : lastTakesMs }
/** Scenarios that have something in common: of so many that ran so many fail, and others did not run. */
const neighbours =
  (...all: { of: object; ran: number; fail?: number; left?: number; error?: string }[]) =>
  async (agent: EvaluatedAgent) => {
    await agent.version(YAML)
    const each = all.flatMap(({ of, ran, fail = 0, left = 0, error = 'ToolError: no such order 7' }) =>
      Array.from({ length: ran + left }, (_, n) => ({
        of,
        runs: n < ran,
        brings: n < fail ? { status: 'ERROR', error } : {},
      })),
    )
    const ids = await agent.scenarios(each.length, (n) => each[n]!.of)
    const ran = each.filter(({ runs }) => runs)
    await agent.run(
      ids.filter((_, n) => each[n]!.runs),
      ({ scenario }) => ran[scenario]!.brings,
    )
  }
/** Passes and fails in turn, these scenarios. */
const inTurns =
  (from: number, to: number): Brings =>
  ({ scenario, repetition }) => ({
    status: scenario >= from && scenario < to && repetition % 2 === 1 ? 'ERROR' : 'SUCCESS',
  })

const CASES: Record<string, Case[]> = {
  FAILING_TOOL: [
    {
      title: 'one call in five',
      has: oneRun(60, searches(15)),
      status: 'MADE',
      shows: {
        subject: 'search',
        recommendationType: 'TOOL_OPTIMIZATION',
        // Of two tools.
        facts: {
          calls: 60,
          failedCalls: 15,
          scenarios: 60,
          failedShare: 0.25,
          threshold: 0.1,
          level: near(0.975),
        },
        suggestedYamlChanges: null,
      },
    },
    {
      title: 'runs in which it fails fail',
      has: oneRun(60, (at) => ({ ...searches(15)(at), ...fails(12)(at) })),
      status: 'MADE',
      shows: {
        impactEstimate: {
          metric: 'SUCCESS_RATE',
          before: 0.8,
          after: near(1),
          change: near(0.2),
          // Newcombe's method 10 for 45 of 45 and 3 of 15, of a quarter of the runs.
          lower: near(0.134037531),
          upper: near(0.232381127),
          level: 0.95,
          n: 60,
          of: 'RUNS',
        },
      },
    },
    {
      title: 'in all runs but three',
      has: oneRun(60, searches(57)),
      status: 'MADE',
      shows: { impactEstimate: { before: 1, after: null, change: null, n: 60 } },
    },
    {
      title: 'and not when it is tried again',
      has: oneRun(60, retried, { maxRetries: 1 }),
      status: 'MADE',
      shows: { facts: { calls: 75, failedCalls: 15 }, impactEstimate: { change: null, n: 60 } },
    },
    {
      title: 'most of all in some runs, with one error more often than with others',
      has: oneRun(60, ({ scenario }) => ({
        toolUsage: [
          calls(
            'search',
            4,
            scenario === 7 ? 4 : scenario < 40 ? 2 : 0,
            scenario < 12 ? 'Error: a' : 'Error: no such order',
          ),
        ],
      })),
      status: 'MADE',
      evidence: [
        { kind: 'TOOL', toolName: 'search', summary: 'Most common error: Error: no such order' },
        { kind: 'OUTCOME', outcome: { scenarioId: 's_007' } },
      ],
    },
    {
      title: 'little more than one in ten',
      has: oneRun(60, searches(9)),
      status: 'NOTHING_FOUND',
      reason: /search does most, in 15 %/,
    },
    { title: 'as often as the others', has: oneRun(60, searches(15, 14)), status: 'NOTHING_FOUND' },
    {
      title: 'too few calls',
      has: oneRun(19, searches(19)),
      status: 'INSUFFICIENT_DATA',
      reason: /19 calls/,
    },
    {
      title: 'two tools of three',
      has: oneRun(60, ({ scenario }) => ({
        toolUsage: [
          calls('search', 1, scenario < 20 ? 1 : 0),
          calls('book', 1, scenario >= 40 ? 1 : 0),
          calls('pay', 10, 0),
        ],
      })),
      status: 'MADE',
      subjects: ['book', 'search'],
    },
    {
      title: 'in a simulation that has not completed',
      has: oneRun(60, searches(15), { completes: false }),
      status: 'INSUFFICIENT_DATA',
      reason: /none was called/,
    },
    {
      title: 'in too few scenarios',
      has: oneRun(4, searches(4), { repetitions: 10 }),
      status: 'INSUFFICIENT_DATA',
      reason: /40 calls in 4 scenarios/,
    },
    {
      title: 'as often as the others, but less under another version',
      has: runsOf(40, [YAML, searches(0, 12)], [TOP, searches(12, 12)]),
      status: 'MADE',
      shows: { facts: { betterVersion: 1, otherToolsFailedShare: 0.3 }, suggestedChanges: [] },
    },
    {
      title: 'not surely less under another version',
      has: runsOf(40, [YAML, searches(10)], [TOP, searches(15)]),
      status: 'MADE',
      shows: { facts: { failedShare: 0.375, betterVersion: null } },
    },
    {
      title: 'least of all under the first of three versions',
      has: runsOf(60, [YAML, searches(0)], [TOP, searches(10)], [`${TOP}# 3\n`, searches(40)]),
      status: 'MADE',
      shows: { facts: { betterVersion: 1, betterVersionFailedShare: 0 } },
    },
    {
      title: 'less under another version, which defined it otherwise',
      has: runsOf(
        40,
        [`${YAML}tools:\n  - name: search\n    retries: 3 # three\n`, searches(0)],
        [`${YAML}tools:\n  - name: search\n    retries: 0 # three\n`, searches(12)],
      ),
      status: 'MADE',
      shows: {
        suggestedChanges: [{ path: '/tools/0/retries', op: 'REPLACE', before: 0, after: 3 }],
        suggestedYamlChanges: expect.stringContaining('+    retries: 3 # three'),
      },
    },
  ],
  TIMEOUT_LIMIT: [
    {
      title: 'successes come near to the limit',
      has: oneRun(60, timeouts(15, 30_200)),
      status: 'MADE',
      shows: {
        subject: '/timeout',
        facts: { timeouts: 15, runs: 60, limitMs: 30_200 },
        suggestedChanges: [{ path: '/timeout', op: 'REPLACE', before: 30, after: expect.any(Number) }],
        impactEstimate: { metric: 'SUCCESS_RATE', n: 60 },
      },
    },
    {
      title: 'what hangs waits',
      has: oneRun(60, timeouts(15, 30_200, 1_000)),
      status: 'MADE',
      shows: {
        suggestedChanges: [{ path: '/timeout', op: 'REPLACE', before: 30, after: 11 }],
        // A quarter of the runs waits 19.2 s less, and what they may be more or less.
        impactEstimate: { metric: 'DURATION_MS', change: near(-4_800) },
      },
    },
    {
      title: 'durations vary so much that no limit is seen',
      has: oneRun(60, mostly(30_200, 1_000, 10, 29_000)),
      status: 'MADE',
      // Three times the limit, in two digits.
      shows: { suggestedChanges: [{ path: '/timeout', op: 'REPLACE', before: 30, after: 91 }] },
    },
    {
      title: 'what is cut off needs little more',
      has: oneRun(60, mostly(30_200, 28_000)),
      status: 'MADE',
      // Five quarters of the limit. Of a quarter that is cut off all but one in twenty would end, and those that ended succeeded.
      shows: {
        suggestedChanges: [{ path: '/timeout', op: 'REPLACE', before: 30, after: 38 }],
        impactEstimate: { metric: 'SUCCESS_RATE', before: 0.75, change: near(0.2), after: near(0.95) },
      },
    },
    {
      title: 'a limit in minutes, of runs that end badly as well',
      has: oneRun(
        60,
        (at) => ({
          ...mostly(120_400, 110_000)(at),
          ...(at.scenario >= 45 && { status: 'ERROR', error: 'ToolError: no' }),
        }),
        {},
        YAML.replace('timeout: 30', 'max_minutes: 2'),
      ),
      status: 'MADE',
      shows: {
        suggestedChanges: [{ path: '/max_minutes', op: 'REPLACE', before: 2, after: 3 }],
        impactEstimate: { before: 0.5, change: near(0.2 * (30 / 45)) },
      },
    },
    {
      title: 'successes are neither near to the limit nor far from it',
      has: oneRun(60, timeouts(15, 30_200, 15_000)),
      status: 'NOTHING_FOUND',
      reason: /95 % took up to 20\.7 s, the longest 20\.9 s: neither a higher nor a lower limit/,
    },
    {
      title: 'too few succeeded',
      has: oneRun(60, (at) => (at.scenario < 41 ? timeouts(41, 30_200)(at) : { executionTimeMs: 29_000 })),
      status: 'INSUFFICIENT_DATA',
      reason: /19 successes/,
    },
    {
      title: 'most at one limit, the others after longer times',
      has: oneRun(60, ({ scenario }) => ({
        executionTimeMs: scenario < 10 ? 30_200 : scenario < 15 ? 30_000 * scenario : 29_000,
        ...(scenario < 15 && { status: 'TIMEOUT' }),
      })),
      status: 'NOTHING_FOUND',
      reason: /that is no one limit/,
    },
    {
      title: 'what was cancelled, or tried again, is no run',
      has: oneRun(
        60,
        ({ scenario }) =>
          scenario < 15
            ? { status: 'TIMEOUT', executionTimeMs: 30_200 }
            : scenario < 20
              ? { status: 'CANCELLED' }
              : scenario < 25
                ? [{ status: 'TIMEOUT', executionTimeMs: 30_200 }, { executionTimeMs: 28_000 }]
                : { executionTimeMs: 28_000 },
        { maxRetries: 1 },
      ),
      status: 'MADE',
      shows: { facts: { runs: 55, timeouts: 15 } },
    },
    {
      title: 'the limit is that of the simulation',
      has: oneRun(60, timeouts(15, 60_100, 50_000), { timeoutMs: 60_000 }),
      status: 'MADE',
      shows: { subject: 'timeoutMs', suggestedYamlChanges: null, facts: { setting: 'timeoutMs' } },
    },
    {
      title: 'few of them',
      has: oneRun(60, timeouts(5, 30_200)),
      status: 'NOTHING_FOUND',
      reason: /8\.3 % of 60 runs/,
    },
    {
      title: 'at no one limit',
      has: oneRun(60, ({ scenario }) =>
        scenario < 15
          ? { status: 'TIMEOUT', executionTimeMs: 10_000 * (1 + scenario) }
          : { executionTimeMs: 9_000 },
      ),
      status: 'NOTHING_FOUND',
      reason: /no one limit/,
    },
    {
      title: 'nobody knows how long',
      has: oneRun(60, fails(0, { status: 'TIMEOUT' })),
      status: 'INSUFFICIENT_DATA',
    },
  ],
  UNCOVERED_SCENARIOS: [
    {
      title: 'of a tag that fails',
      has: partly(9),
      status: 'MADE',
      shows: {
        subject: 'tag:refund',
        recommendationType: 'SCENARIO_ADDITION',
        facts: { ran: 10, failing: 9, uncovered: 10, othersFailing: 0 },
        impactEstimate: { metric: 'FAILURES_FOUND', change: 9 },
      },
    },
    { title: 'of a tag that seldom fails', has: partly(4), status: 'NOTHING_FOUND', reason: /4 of 10/ },
    { title: 'where all fail', has: partly(10, 10), status: 'NOTHING_FOUND' },
    {
      title: 'of two tags that are of the same',
      has: neighbours(
        { of: { tags: ['refund', 'again'] }, ran: 10, fail: 9, left: 10 },
        { of: { tags: ['cancel'] }, ran: 10 },
        { of: { tags: ['refund'], isActive: false }, ran: 0, left: 5 },
      ),
      status: 'MADE',
      subjects: ['tag:again'],
      shows: { facts: { uncovered: 10 } },
    },
    {
      title: 'of the three tags that are worst',
      has: neighbours(
        ...['a', 'b', 'c', 'd'].map((tag) => ({ of: { tags: [tag] }, ran: 6, fail: 6, left: 1 })),
        { of: { tags: ['z'] }, ran: 8, fail: 8, left: 1 },
        { of: {}, ran: 60 },
      ),
      status: 'MADE',
      subjects: ['tag:z', 'tag:a', 'tag:b'],
      // Of five.
      shows: { facts: { othersRan: 84, othersFailing: 24, level: near(0.99) } },
    },
    {
      title: 'of a source and how difficult they are',
      has: neighbours(
        { of: { source: 'tau-bench', difficultyLevel: 'HARD' }, ran: 10, fail: 9, left: 10 },
        { of: { source: 'tau-bench', difficultyLevel: 'EASY' }, ran: 10 },
      ),
      status: 'MADE',
      subjects: ['source:tau-bench, hard'],
    },
    ...[
      ['ToolError', 'LoginError'],
      ['LoginError', 'ToolError'],
    ].map(
      ([most, some]): Case => ({
        title: `of which most have a ${most}`,
        has: neighbours(
          { of: { tags: ['refund'] }, ran: 4, fail: 4, error: `${some}: it is so` },
          { of: { tags: ['refund'] }, ran: 6, fail: 5, error: `${most}: it is so`, left: 10 },
          { of: {}, ran: 10 },
        ),
        status: 'MADE',
        shows: { description: expect.stringContaining(`The most common failure among them is ${most}.`) },
      }),
    ),
    {
      title: 'of a tag that fails once in three times',
      has: async (agent: EvaluatedAgent) => {
        await agent.version(YAML)
        const ids = await agent.scenarios(30, (n) => ({ tags: n < 10 || n >= 20 ? ['refund'] : ['cancel'] }))
        await agent.run(
          ids.slice(0, 20),
          ({ scenario, repetition }) => ({ status: scenario < 9 && repetition === 1 ? 'ERROR' : 'SUCCESS' }),
          { repetitions: 3 },
        )
      },
      status: 'NOTHING_FOUND',
      reason: /0 of 10/,
    },
    {
      title: 'of the only tag that ran',
      has: async (agent: EvaluatedAgent) => {
        await agent.version(YAML)
        const ids = await agent.scenarios(30, () => ({ tags: ['refund'] }))
        await agent.run(ids.slice(0, 20), fails(18))
      },
      status: 'INSUFFICIENT_DATA',
      reason: /as many others/,
    },
    {
      title: 'all of them run',
      has: oneRun(20, fails(15)),
      status: 'NOTHING_FOUND',
      reason: /every active scenario/,
    },
  ],
  CHEAPER_MODEL: [
    {
      title: 'as good and cheaper',
      has: runsOf(100, [MINI, fails(10, { costUsd: 0.01 })], [YAML, fails(10, { costUsd: 0.05 })]),
      status: 'MADE',
      shows: {
        subject: 'gpt-4.1 → gpt-4.1-mini',
        recommendationType: 'CONFIG_CHANGE',
        suggestedChanges: [{ path: '/model', op: 'REPLACE', before: 'gpt-4.1', after: 'gpt-4.1-mini' }],
        suggestedYamlChanges: expect.stringContaining('+model: gpt-4.1-mini # the model'),
        impactEstimate: { metric: 'COST_USD', n: 100, of: 'SCENARIOS' },
      },
    },
    {
      title: 'a loss is not excluded',
      has: runsOf(100, [MINI, fails(13, { costUsd: 0.01 })], [YAML, fails(10, { costUsd: 0.05 })]),
      status: 'INSUFFICIENT_DATA',
      reason: /a loss of 5 points is not excluded: about \d+ scenarios/,
    },
    {
      title: 'a loss would be excluded of one model, but not of two',
      has: runsOf(
        65,
        [MINI, fails(10, { costUsd: 0.01 })],
        [NANO, fails(10, { costUsd: 0.01 })],
        [YAML, fails(10, { costUsd: 0.05 })],
      ),
      status: 'INSUFFICIENT_DATA',
      reason: /a loss of 5 points is not excluded/,
    },
    {
      title: 'the cheaper one of two',
      has: runsOf(
        100,
        [MINI, fails(10, { costUsd: 0.01 })],
        [NANO, fails(10, { costUsd: 0.02 })],
        [YAML, fails(10, { costUsd: 0.05 })],
      ),
      status: 'MADE',
      subjects: ['gpt-4.1 → gpt-4.1-mini'],
      shows: { facts: { level: near(0.975) } },
    },
    {
      title: 'of lower scores',
      has: runsOf(
        100,
        [MINI, fails(10, { costUsd: 0.01, reliabilityScore: 0.7 })],
        [YAML, fails(10, { costUsd: 0.05, reliabilityScore: 0.9 })],
      ),
      status: 'NOTHING_FOUND',
      reason: /its mean score differs by -20 points .*it is worse/,
    },
    {
      title: 'not surely cheaper',
      has: runsOf(
        100,
        [MINI, (at) => fails(10, { costUsd: at.scenario % 2 ? 0.09 : 0.01 })(at)],
        [YAML, fails(10, { costUsd: 0.051 })],
      ),
      status: 'NOTHING_FOUND',
      reason: /not sure to be cheaper than version 2: -\$0\.001 a run/,
    },
    {
      title: 'worse',
      has: runsOf(60, [MINI, fails(30, { costUsd: 0.01 })], [YAML, fails(6, { costUsd: 0.05 })]),
      status: 'NOTHING_FOUND',
      reason: /it is worse/,
    },
    {
      title: 'without a price',
      has: runsOf(100, [MINI, fails(10, { costUsd: 0 })], [YAML, fails(10, { costUsd: 0.05 })]),
      status: 'INSUFFICIENT_DATA',
      reason: /costs .* are zero/,
    },
    {
      title: 'dearer',
      has: runsOf(100, [MINI, fails(10, { costUsd: 0.06 })], [YAML, fails(10, { costUsd: 0.05 })]),
      status: 'NOTHING_FOUND',
    },
    {
      title: 'something else differs as well',
      has: runsOf(
        100,
        [`${MINI}temperature: 1\n`, fails(10, { costUsd: 0.01 })],
        [YAML, fails(10, { costUsd: 0.05 })],
      ),
      status: 'INSUFFICIENT_DATA',
      reason: /in the model alone/,
    },
  ],
  VERSION_ROLLBACK: [
    {
      title: 'worse than before',
      has: runsOf(20, [YAML, fails(2)], [`${YAML}top_p: 1\n`, fails(12)]),
      status: 'MADE',
      shows: {
        subject: 'version 2',
        restoresVersion: { versionNumber: 1 },
        suggestedYamlChanges: expect.stringContaining('-top_p: 1'),
        impactEstimate: { metric: 'SUCCESS_RATE', before: 0.4, after: 0.9 },
      },
    },
    {
      title: 'worse than two before, than the first one most',
      has: runsOf(20, [YAML, fails(0)], [TOP, fails(6)], [`${TOP}# 3\n`, fails(18)]),
      status: 'MADE',
      shows: { restoresVersion: { versionNumber: 1 } },
    },
    {
      title: 'worse than two before that are equal',
      has: runsOf(20, [YAML, fails(2)], [TOP, fails(2)], [`${TOP}# 3\n`, fails(14)]),
      status: 'MADE',
      shows: { restoresVersion: { versionNumber: 2 } },
    },
    {
      title: 'worse than what cost more',
      has: runsOf(20, [YAML, fails(2, { costUsd: 0.05 })], [TOP, fails(9, { costUsd: 0.01 })]),
      status: 'MADE',
      // Seven of seven: p is 1 in 128.
      shows: { description: expect.stringContaining('A run of it costs 400 % more.'), confidence: 0.992 },
    },
    {
      title: 'worse than the same text',
      has: async (agent: EvaluatedAgent) => {
        await runsOf(20, [YAML, fails(2)])(agent)
        await agent.version(TOP)
        await runsOf(20, [YAML, fails(12)])(agent)
      },
      status: 'INSUFFICIENT_DATA',
      reason: /No earlier version than 3 has completed simulations and other YAML/,
    },
    {
      title: 'worse than a text that differs in more than anybody reads',
      has: runsOf(
        20,
        [`${YAML}notes:\n${'  - the first one\n'.repeat(17_000)}`, fails(2)],
        [`${YAML}notes:\n${'  - another one\n'.repeat(17_000)}`, fails(12)],
      ),
      status: 'MADE',
      shows: { restoresVersion: null, suggestedYamlChanges: null },
    },
    {
      title: 'worse than a version that was withdrawn',
      has: async (agent: EvaluatedAgent) => {
        await runsOf(20, [YAML, fails(2)], [TOP, fails(12)])(agent)
        await agent.withdraw(agent.versionIds[0]!)
      },
      status: 'INSUFFICIENT_DATA',
      reason: /No earlier version/,
    },
    {
      title: 'worse on scenarios that were others',
      has: async (agent: EvaluatedAgent) => {
        await runsOf(20, [YAML, fails(2)])(agent)
        await agent.scenarios(20, () => ({ taskPrompt: 'Do something else.' }))
        await agent.version(TOP)
        await agent.run(ids(0, 20), fails(12))
      },
      status: 'INSUFFICIENT_DATA',
      reason: /in the same revision/,
    },
    {
      title: 'worse by runs that failed and that nobody graded',
      has: runsOf(
        20,
        [YAML, () => graded(true)],
        [TOP, ({ scenario }) => (scenario < 12 ? { status: 'ERROR' } : graded(true))],
      ),
      status: 'MADE',
      shows: { facts: { scenarios: 20, successRate: 0.4 } },
    },
    {
      title: 'a little worse',
      has: runsOf(20, [YAML, fails(2)], [`${YAML}top_p: 1\n`, fails(5)]),
      status: 'NOTHING_FOUND',
      reason: /not shown to be worse/,
    },
    {
      title: 'of the same text',
      has: runsOf(20, [YAML, fails(2)], [YAML.replace('# mine', '# yours'), fails(2)]),
      status: 'NOTHING_FOUND',
    },
    { title: 'nothing before it', has: oneRun(20, fails(20)), status: 'INSUFFICIENT_DATA' },
    {
      title: 'only runs that nobody graded before it',
      has: runsOf(20, [YAML, () => ({})], [`${YAML}top_p: 1\n`, ({ scenario }) => graded(scenario >= 12)]),
      status: 'INSUFFICIENT_DATA',
      reason: /passed or failed under both/,
    },
  ],
  FLAKY_SCENARIOS: [
    {
      title: 'half of them',
      has: oneRun(
        20,
        ({ scenario, repetition }) => ({ status: scenario < 10 && repetition === 1 ? 'ERROR' : 'SUCCESS' }),
        {
          repetitions: 2,
        },
      ),
      status: 'MADE',
      shows: {
        recommendationType: 'EVALUATION_CHANGE',
        facts: {
          scenarios: 20,
          flakyScenarios: 10,
          repetitions: 2,
          // Half of the scenarios have the variance of one pass and one failure, in both runs, over two repetitions.
          detectableDifference: near(
            detectableDifference({
              scenarios: 20,
              variance: 0.25,
              freedom: 19,
              changed: null,
              within: null,
            })!,
          ),
        },
        suggestedChanges: [{ path: '/repetitions', op: 'REPLACE', before: 2, after: expect.any(Number) }],
      },
    },
    {
      title: 'so many that one repetition more is enough',
      has: oneRun(60, inTurns(0, 11), { repetitions: 2 }),
      status: 'MADE',
      shows: { suggestedChanges: [{ path: '/repetitions', op: 'REPLACE', before: 2, after: 3 }] },
    },
    {
      title: 'some of them more than others',
      has: oneRun(
        20,
        ({ scenario, repetition }) => ({
          status: repetition <= (scenario < 5 ? 1 : scenario < 10 ? 2 : 0) ? 'ERROR' : 'SUCCESS',
        }),
        { repetitions: 4 },
      ),
      status: 'MADE',
      evidence: [{ kind: 'SCENARIO', scenarioId: 's_005', summary: 'Passed 2 of 4 times.' }],
    },
    {
      title: 'repeated less than before',
      has: async (agent: EvaluatedAgent) => {
        await oneRun(20, inTurns(0, 10), { repetitions: 3 })(agent)
        await agent.run(ids(0, 20), inTurns(0, 10), { repetitions: 2 })
      },
      status: 'MADE',
      shows: { facts: { runs: 100, repetitions: 2 } },
    },
    {
      title: 'two numbers of the YAML that may say how often',
      has: oneRun(20, inTurns(0, 10), { repetitions: 2 }, `${YAML}epochs: 2\n`),
      status: 'MADE',
      shows: { suggestedChanges: [] },
    },
    {
      title: 'none since they were changed',
      has: async (agent: EvaluatedAgent) => {
        await oneRun(20, inTurns(0, 10), { repetitions: 2 })(agent)
        await agent.scenarios(20, () => ({ taskPrompt: 'Do something else.' }))
        await agent.run(ids(0, 20), inTurns(0, 0), { repetitions: 2 })
      },
      status: 'NOTHING_FOUND',
      reason: /^None of 20 scenarios/,
    },
    {
      title: 'too few of them',
      has: oneRun(5, inTurns(0, 4), { repetitions: 2 }),
      status: 'INSUFFICIENT_DATA',
      reason: /^5 scenarios passed or failed twice/,
    },
    {
      title: 'one of many',
      has: oneRun(
        60,
        ({ scenario, repetition }) => ({ status: scenario < 1 && repetition === 1 ? 'ERROR' : 'SUCCESS' }),
        {
          repetitions: 2,
        },
      ),
      status: 'NOTHING_FOUND',
      reason: /would be shown nevertheless/,
    },
    {
      title: 'never repeated',
      has: oneRun(20, fails(5)),
      status: 'INSUFFICIENT_DATA',
      reason: /passed or failed twice or more/,
    },
    {
      title: 'graded once of two times',
      has: oneRun(20, ({ scenario, repetition }) => (repetition === 2 ? graded(scenario >= 10) : {}), {
        repetitions: 2,
      }),
      status: 'INSUFFICIENT_DATA',
      reason: /^0 scenarios passed or failed twice/,
    },
  ],
}

describe.each(ENGINES)('recommendations made on $dump', ({ extension }) => {
  const { database, agent, look: runJob } = useAgentDatabase(extension)

  const step = async (of: EvaluatedAgent, mutation: string, input: object) => {
    const type = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input`
    const data = await of.tenant.data(
      `mutation ($input: ${type}!) { ${mutation}(input: $input) {
        recommendation { recommendationId state applied dismissedBy dismissalReason appliedVersion { versionNumber rawYaml generatedBy }
          appliedDiff { unifiedDiff changes { path } } impactEstimate impactActual }
        errors { code message } } }`,
      { input },
    )
    return data[mutation]
  }

  const stateOf = async (of: EvaluatedAgent, filter = '') =>
    (
      await of.tenant.data(`{ recommendations(filter: { ${filter} }, orderBy: { field: CREATED_AT, direction: ASC }) {
        nodes { recommendationId state supersededById impactActual measuredSimulation { simulationId } }
      } }`)
    ).recommendations.nodes

  const marks = async ({ tenant }: EvaluatedAgent) =>
    query<any>(database.url, `select * from store.recommendation_marks where user_id = '${tenant.tenantId}'`)

  describe.each(Object.entries(CASES))('%s', (rule, cases) => {
    it.each(cases)(
      '$title: $status',
      async ({ has, status, reason = /./, shows, subjects, evidence: first = [] }) => {
        const one = agent()
        await has(one)
        const results = (await one.results()).filter((each) => each.rule === rule)
        const [result] = results
        expect(result, JSON.stringify(result)).toMatchObject({
          status,
          reason: expect.stringMatching(reason),
        })
        if (status !== 'MADE') {
          expect(results).toMatchObject([{ recommendation: null }])
          return
        }
        const { recommendation } = result
        expect(await stateOf(one, `rule: { eq: ${rule} }, state: { eq: OPEN }`)).toHaveLength(results.length)
        expect(results.map(({ recommendation: { subject } }) => subject)).toEqual(
          subjects ?? [recommendation.subject],
        )
        expect(recommendation).toMatchObject({
          state: 'OPEN',
          rule,
          wordedBy: null,
          configId: one.configId,
          ...shows,
        })
        expect(recommendation.confidence).toBeGreaterThan(0.9)
        const { facts, impactEstimate, evidence, description } = recommendation
        expect(Object.keys(facts)).toEqual(
          expect.arrayContaining(rule === 'FLAKY_SCENARIOS' ? ['runs'] : ['level', 'lower', 'upper']),
        )
        expect(Object.keys(impactEstimate).sort()).toEqual([
          'after',
          'before',
          'change',
          'level',
          'lower',
          'metric',
          'n',
          'of',
          'upper',
        ])
        const { lower, change, upper } = impactEstimate
        if (lower !== null) expect(lower <= change && change <= upper).toBe(true)
        expect(description).toMatch(/\d/)
        expect(evidence.nodes.map(({ place }: { place: number }) => place)).toEqual(
          evidence.nodes.map((_: unknown, at: number) => at + 1),
        )
        expect(evidence.nodes.slice(0, first.length)).toMatchObject(first)
        const kinds = new Set(evidence.nodes.map(({ kind }: { kind: string }) => kind))
        expect(kinds).toContain('CONFIG_VERSION')
      },
    )
  })

  it('are applied as a version with its diff, by the YAML that they were made for or a later one that has the same there', async () => {
    const one = agent()
    const yaml = `${YAML}tools:\n  - name: search\n    retries: 0 # three\n`
    await oneRun(60, timeouts(15, 30_200), {}, yaml)(one)
    const { recommendation } = (await one.generate()).TIMEOUT_LIMIT
    const { recommendationId, suggestedYamlChanges } = recommendation
    const folder = mkdtempSync(join(tmpdir(), 'arc-'))
    cleanUp(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'config.yaml'), yaml)
    const applied = spawnSync('git', ['apply', '-'], { cwd: folder, input: suggestedYamlChanges })
    expect(applied.stderr.toString()).toBe('')
    const patched = readFileSync(join(folder, 'config.yaml'), 'utf8')
    const [{ after }] = recommendation.suggestedChanges
    expect(patched).toBe(yaml.replace('timeout: 30', `timeout: ${after}`))

    await one.version(yaml.replace('timeout: 30', 'timeout: 31'))
    expect(await step(one, 'applyRecommendation', { recommendationId })).toMatchObject({
      recommendation: null,
      errors: [{ code: 'RECOMMENDATION_STALE', message: expect.stringContaining('/timeout') }],
    })
    await one.version(`${yaml}${'# a long comment\n'.repeat(16_000)}`)
    expect(await step(one, 'applyRecommendation', { recommendationId })).toMatchObject({
      recommendation: null,
      errors: [{ code: 'RECOMMENDATION_STALE', message: expect.stringContaining('laid out') }],
    })
    const later = `# another head\n${yaml.replace('retries: 0', 'retries: 1')}`
    await one.version(later)
    const { recommendation: now, errors } = await step(one, 'applyRecommendation', { recommendationId })
    expect(errors).toEqual([])
    expect(now).toMatchObject({
      state: 'APPLIED',
      applied: true,
      appliedVersion: {
        versionNumber: 5,
        rawYaml: later.replace('timeout: 30', `timeout: ${after}`),
        generatedBy: 'OPTIMIZATION',
      },
      appliedDiff: {
        unifiedDiff: expect.stringContaining(`+timeout: ${after} # s`),
        changes: [{ path: '/timeout' }],
      },
    })
    expect(await step(one, 'applyRecommendation', { recommendationId })).toMatchObject({
      errors: [{ code: 'RECOMMENDATION_APPLIED' }],
    })
    expect((await one.generate({ configId: one.configId })).TIMEOUT_LIMIT.status).toBe('INSUFFICIENT_DATA')
  })

  it('what they did is measured when the version that they made has run, and again with more runs', async () => {
    const one = agent()
    await runsOf(40, [YAML, fails(4)], [`${YAML}top_p: 1\n`, fails(24)])(one)
    const { recommendation } = (await one.generate()).VERSION_ROLLBACK
    const { recommendationId } = recommendation
    const { recommendation: applied } = await step(one, 'applyRecommendation', { recommendationId })
    expect(applied).toMatchObject({ appliedVersion: { versionNumber: 3, rawYaml: YAML }, impactActual: null })
    const [{ versionId }] = (
      await one.tenant.data(
        `{ configVersions(filter: { configId: {eq: "${one.configId}"}, versionNumber: {eq: 3} }) { nodes { versionId } } }`,
      )
    ).configVersions.nodes
    // Of what only one of the two ran nothing is known.
    await one.scenarios(41)
    await one.run(ids(40, 41), fails(0), { versionId })
    await runJob()
    expect(await stateOf(one, 'state: { eq: APPLIED }')).toMatchObject([{ impactActual: null }])
    const first = await one.run(ids(0, 20), fails(5), { versionId })
    await runJob()
    expect(await stateOf(one, 'state: { eq: APPLIED }')).toMatchObject([
      {
        measuredSimulation: { simulationId: first },
        impactActual: {
          metric: 'SUCCESS_RATE',
          before: 0,
          after: 0.75,
          change: 0.75,
          level: 0.95,
          n: 20,
          of: 'SCENARIOS',
        },
      },
    ])
    const second = await one.run(ids(0, 40), fails(5), { versionId })
    await runJob()
    const [measured] = await stateOf(one, 'state: { eq: APPLIED }')
    expect(measured).toMatchObject({
      measuredSimulation: { simulationId: second },
      impactActual: { n: 40, before: 0.4 },
    })
    const { lower, upper, change } = measured.impactActual
    expect(lower < change && change < upper).toBe(true)
    // Once more says the same.
    await one.generate()
    const { auditLog } = await one.tenant.data(
      '{ auditLog(filter: { tableName: { eq: "recommendations" }, operation: { eq: UPDATE } }) { totalCount } }',
    )
    expect(auditLog.totalCount).toBe(3)
  })

  it('to go back is said of the latest version that nobody withdrew, of a configuration in use', async () => {
    const one = agent()
    await runsOf(20, [YAML, fails(2)], [TOP, fails(12)])(one)
    const { recommendationId } = (await one.generate()).VERSION_ROLLBACK.recommendation
    const apply = async () => (await step(one, 'applyRecommendation', { recommendationId })).errors
    await one.version(`${TOP}# 3\n`)
    expect(await apply()).toMatchObject([
      { code: 'RECOMMENDATION_STALE', message: expect.stringContaining('the latest version is 3') },
    ])
    for (const versionId of [...one.versionIds].reverse()) await one.withdraw(versionId)
    expect(await apply()).toMatchObject([
      { code: 'RECOMMENDATION_STALE', message: expect.stringContaining('withdrawn') },
    ])
    for (const versionId of one.versionIds.slice(0, 2)) await one.withdraw(versionId, false)
    const change = (mutation: string) =>
      one.tenant.data(
        `mutation { ${mutation}(input: { configId: "${one.configId}" }) { errors { message } } }`,
      )
    await change('archiveConfiguration')
    expect(await apply()).toMatchObject([{ code: 'CONFIGURATION_ARCHIVED' }])
    await change('restoreConfiguration')
    expect(await apply()).toEqual([])
  })

  it.each([
    [
      'CHEAPER_MODEL',
      runsOf(100, [MINI, fails(10, { costUsd: 0.01 })], [YAML, fails(10, { costUsd: 0.05 })]),
      () => ({ costUsd: 0.02, executionTimeMs: 7 }),
      { metric: 'COST_USD', before: 0.05, after: 0.02, change: near(-0.03), n: 60 },
    ],
    [
      'TIMEOUT_LIMIT',
      oneRun(60, mostly(30_200, 1_000)),
      () => ({ costUsd: 7, executionTimeMs: 2_000 }),
      { metric: 'DURATION_MS', before: near((15 * 30_200 + 45 * 1_000) / 60, 6), after: 2_000, n: 60 },
    ],
  ] as [string, (agent: EvaluatedAgent) => Promise<unknown>, Brings, object][])(
    'what they did is measured in what they are to change: %s',
    async (rule, has, brings, impactActual) => {
      const one = agent()
      await has(one)
      const { recommendationId } = (await one.generate())[rule].recommendation
      expect((await step(one, 'applyRecommendation', { recommendationId })).errors).toEqual([])
      const { configVersions } = await one.tenant.data(
        `{ configVersions(filter: { configId: {eq: "${one.configId}"} }, orderBy: { field: VERSION_NUMBER, direction: DESC }, first: 1) { nodes { versionId } } }`,
      )
      await one.run(ids(0, 60), brings, { versionId: configVersions.nodes[0].versionId })
      await runJob()
      expect(await stateOf(one, 'state: { eq: APPLIED }')).toMatchObject([{ impactActual }])
    },
  )

  it('are made once for the same evidence, whoever asks and whatever became of them, and anew when that has changed', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    const many = await Promise.all(Array.from({ length: 4 }, () => one.generate()))
    expect(many.map(({ FAILING_TOOL }) => FAILING_TOOL.status).sort()).toEqual([
      'ALREADY_MADE',
      'ALREADY_MADE',
      'ALREADY_MADE',
      'MADE',
    ])
    const [{ recommendationId }] = await stateOf(one)
    const dismissed = await step(one, 'dismissRecommendation', { recommendationId, reason: ' We know. ' })
    expect(dismissed).toMatchObject({
      recommendation: { state: 'DISMISSED', dismissalReason: 'We know.', dismissedBy: 'actor of app_user' },
      errors: [],
    })
    expect(await one.generate()).toMatchObject({
      FAILING_TOOL: { status: 'ALREADY_MADE', recommendation: { recommendationId, state: 'DISMISSED' } },
    })
    for (const [mutation, input, code] of [
      ['applyRecommendation', { recommendationId }, 'RECOMMENDATION_DISMISSED'],
      ['dismissRecommendation', { recommendationId, reason: 'Other.' }, 'RECOMMENDATION_DISMISSED'],
      ['dismissRecommendation', { recommendationId, reason: ' ' }, 'INVALID_VALUE'],
    ] as const)
      expect(await step(one, mutation, input)).toMatchObject({ recommendation: null, errors: [{ code }] })
    expect(
      (await step(one, 'dismissRecommendation', { recommendationId, reason: 'We know.' })).errors,
    ).toEqual([])
    expect(
      (await step(one, 'withdrawRecommendationDismissal', { recommendationId })).recommendation,
    ).toMatchObject({
      state: 'OPEN',
      dismissalReason: null,
      dismissedBy: null,
    })

    // Not twice as much, and of the same share.
    await one.run(ids(0, 40), searches(10))
    expect((await one.generate()).FAILING_TOOL.status).toBe('ALREADY_MADE')
    await one.run(ids(0, 30), searches(8))
    const { FAILING_TOOL: newer } = await one.generate()
    expect(newer).toMatchObject({ status: 'MADE', recommendation: { facts: { calls: 130 } } })
    expect(await stateOf(one, 'rule: { eq: FAILING_TOOL }')).toMatchObject([
      { recommendationId, state: 'SUPERSEDED', supersededById: newer.recommendation.recommendationId },
      { state: 'OPEN' },
    ])
    expect((await step(one, 'applyRecommendation', { recommendationId })).errors).toMatchObject([
      { code: 'RECOMMENDATION_STALE' },
    ])
    // Of another share.
    await one.run(ids(0, 60), searches(60))
    const { recommendation: newest } = (await one.generate()).FAILING_TOOL
    expect(await stateOf(one, 'rule: { eq: FAILING_TOOL }')).toMatchObject([
      { recommendationId, state: 'SUPERSEDED', supersededById: newer.recommendation.recommendationId },
      { state: 'SUPERSEDED', supersededById: newest.recommendationId },
      { recommendationId: newest.recommendationId, state: 'OPEN', supersededById: null },
    ])
    // What somebody applied stays that.
    await step(one, 'applyRecommendation', { recommendationId: newest.recommendationId })
    await one.run(ids(0, 60), searches(20), { repetitions: 4 })
    expect((await one.generate()).FAILING_TOOL.status).toBe('MADE')
    expect((await one.generate()).FAILING_TOOL).toMatchObject({
      status: 'ALREADY_MADE',
      recommendation: { state: 'OPEN' },
    })
    expect((await stateOf(one, 'rule: { eq: FAILING_TOOL }'))[2]).toMatchObject({
      state: 'APPLIED',
      supersededById: null,
    })
  })

  it('are made by a job after a simulation has completed, once, by however many servers', async () => {
    const [one, other] = [agent(), agent()]
    await oneRun(60, searches(15))(one)
    await oneRun(20, searches(0))(other)
    expect(await marks(one)).toMatchObject([{ attempts: 0, claim: null }])
    await runJob(3)
    expect([await marks(one), await marks(other)]).toEqual([[], []])
    expect([await stateOf(one), await stateOf(other)]).toMatchObject([[{ state: 'OPEN' }], []])
    // What its server left is taken over; what a simulation made due again meanwhile stays.
    await one.run(['s_000'], searches(0))
    await query(
      database.url,
      `update store.recommendation_marks set attempts = 1, claim = gen_random_uuid(), due_at = now() - interval '1 second'`,
    )
    await runJob()
    expect(await marks(one)).toEqual([])
    const audit = await one.tenant.data(
      '{ auditLog(filter: { tableName: { eq: "recommendations" } }) { nodes { operation actorId } } }',
    )
    expect(audit.auditLog.nodes).toEqual([{ operation: 'INSERT', actorId: 'arc' }])
  })

  it('are made because of the simulation that has completed, be it the newest or not', async () => {
    const one = agent()
    await one.version(YAML)
    const simulationId = await one.run(await one.scenarios(60), searches(15), { completes: false })
    expect(await marks(one)).toEqual([])
    await one.run(ids(0, 60), searches(15))
    await one.complete(simulationId)
    await runJob()
    const { recommendations } = await one.tenant.data('{ recommendations { nodes { sourceId } } }')
    expect(recommendations.nodes).toEqual([{ sourceId: simulationId }])
  })

  it('are looked for by one server at a time, of each tenant one version after the other, five times at most', async () => {
    const [one, other] = [agent(), agent()]
    await runsOf(1, [YAML, searches(0)], [TOP, searches(0)])(one)
    await oneRun(1, searches(0))(other)
    const claim = () =>
      query<{ tenant_id: string; config_version_id: string; held: string }>(
        database.serviceUrl,
        'select tenant_id, config_version_id, held from claim_recommendation_marks(10)',
      )
    const end = (held: string, failed: boolean) =>
      query(
        database.serviceUrl,
        `select end_recommendation_mark('${one.tenant.tenantId}', '${one.versionIds[0]}', '${held}', ${failed})`,
      )
    const first = await claim()
    expect(first.map(({ tenant_id }) => tenant_id).sort()).toEqual(
      [one.tenant.tenantId, other.tenant.tenantId].sort(),
    )
    expect(first.find(({ tenant_id }) => tenant_id === one.tenant.tenantId)?.config_version_id).toBe(
      one.versionIds[0],
    )
    expect(await claim()).toMatchObject([{ config_version_id: one.versionIds[1] }])
    expect(await claim()).toEqual([])

    const mark = async () => {
      const [row] = await query<{ attempts: number; claim: string | null; minutes: number }>(
        database.url,
        `select attempts, claim, round(extract(epoch from due_at - now()) / 60)::int as minutes
        from store.recommendation_marks where config_version_id = '${one.versionIds[0]}'`,
      )
      return row
    }
    const isDue = (attempts: number) =>
      query(
        database.url,
        `update store.recommendation_marks set due_at = now(), attempts = ${attempts} where config_version_id = '${one.versionIds[0]}'`,
      )
    const { claim: held } = (await mark())!
    expect(await mark()).toMatchObject({ attempts: 1, minutes: 10 })
    for (const failed of [true, false]) {
      await end(one.versionIds[0]!, failed)
      expect(await mark()).toMatchObject({ claim: held, minutes: 10 })
    }
    await end(held!, true)
    expect(await mark()).toEqual({ attempts: 1, claim: null, minutes: 1 })
    await isDue(1)
    const [again] = await claim()
    await end(again!.held, true)
    expect(await mark()).toEqual({ attempts: 2, claim: null, minutes: 4 })
    await isDue(5)
    expect(await claim()).toEqual([])

    // What completes begins anew, whoever looks meanwhile.
    await one.run(ids(0, 1), searches(0), { versionId: one.versionIds[0]! })
    expect(await mark()).toEqual({ attempts: 0, claim: null, minutes: 0 })
    const [last] = await claim()
    await one.run(ids(0, 1), searches(0), { versionId: one.versionIds[0]! })
    await end(last!.held, false)
    expect(await mark()).toEqual({ attempts: 0, claim: null, minutes: 0 })
    await end((await claim())[0]!.held, false)
    expect(await mark()).toBeUndefined()
    await query(database.url, 'delete from store.recommendation_marks')
  })

  it('are looked for where what they rest on may have changed', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    await runJob()
    const [{ recommendationId }] = await stateOf(one)
    const versions = async () =>
      (await marks(one)).map(({ config_version_id, attempts }) => [
        one.versionIds.indexOf(config_version_id) + 1,
        attempts,
      ])
    // A failing tool of one version is none of another one's.
    await one.version(TOP)
    await one.run(ids(0, 20), searches(0))
    expect(await versions()).toEqual([[2, 0]])
    await query(database.url, 'delete from store.recommendation_marks')
    const change = async (mutation: string, simulationId: string) => {
      const data = await one.tenant.data(
        `mutation { ${mutation}(input: { simulationId: "${simulationId}" }) { errors { message } } }`,
      )
      expect(data[mutation].errors).toEqual([])
    }
    for (const end of ['cancelSimulation', 'deleteSimulation'])
      await change(end, await one.run(ids(0, 20), searches(0), { completes: false }))
    expect(await versions()).toEqual([])
    const { recommendation } = await one.tenant.data(
      `{ recommendation(recommendationId: "${recommendationId}") { sourceId } }`,
    )
    await one.run(ids(0, 1), searches(0), { versionId: one.versionIds[0]! })
    await query(database.url, 'update store.recommendation_marks set attempts = 5')
    await change('deleteSimulation', recommendation.sourceId)
    expect(await versions()).toEqual([[1, 0]])
    await one.run(ids(0, 1), searches(0))
    await runJob()
    expect(await versions()).toEqual([])
  })

  it('are left to others by a server that stops', async () => {
    const agents = [agent(), agent()]
    for (const each of agents) await oneRun(1, searches(0))(each)
    const stops = new AbortController()
    const looked: string[] = []
    const pool = createPool({ connectionString: database.serviceUrl, max: 1, logger })
    cleanUp(() => pool.end())
    await recommend(async (tenantId) => {
      looked.push(tenantId)
      stops.abort()
      return { made: 0, reopened: 0, obsolete: 0 }
    }).run({ query: ownQueryOn(pool), logger, signal: stops.signal })
    expect(looked).toHaveLength(1)
    const left = (await Promise.all(agents.map(marks))).flat()
    expect(left).toMatchObject([{ attempts: 1, claim: expect.any(String) }])
    await query(database.url, 'delete from store.recommendation_marks')
  })

  it('what fails of a tenant is tried again later, and holds up nobody else', async () => {
    const [one, other] = [agent(), agent()]
    await oneRun(1, searches(0))(one)
    await oneRun(1, searches(0))(other)
    const looked: string[] = []
    const job = recommend(async (tenantId) => {
      looked.push(tenantId)
      if (tenantId === one.tenant.tenantId) throw new Error('the weather')
      return { made: 0, reopened: 0, obsolete: 0 }
    })
    await query(database.url, `update store.jobs set due_at = now() where name = 'recommend'`)
    const { runner, logged, stop } = server([job], database.serviceUrl)
    await runner.runDue()
    await stop()
    expect(looked.sort()).toEqual([one.tenant.tenantId, other.tenant.tenantId].sort())
    expect(logged).toMatchObject([
      { msg: 'could not look for recommendations', err: { message: 'the weather' } },
    ])
    expect(await marks(other)).toEqual([])
    expect(await marks(one)).toMatchObject([{ attempts: 1, claim: null }])
    await query(database.url, 'delete from store.recommendation_marks')
  })

  it('nothing is about what is deleted, and evidence that was deleted is shown to nobody', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    const [{ simulationId }] = (await one.tenant.data('{ simulations { nodes { simulationId } } }'))
      .simulations.nodes
    const before = (await one.generate()).FAILING_TOOL.recommendation
    const links = () =>
      one.tenant
        .data(
          `{ recommendation(recommendationId: "${before.recommendationId}") { evidence { totalCount nodes { kind simulation { simulationId } outcome { outcomeId } } } } }`,
        )
        .then(({ recommendation }) => recommendation.evidence)
    expect((await links()).nodes.filter(({ outcome }: any) => outcome).length).toBe(3)
    await one.tenant.data(
      `mutation { deleteSimulation(input: { simulationId: "${simulationId}" }) { errors { code } } }`,
    )
    expect((await links()).nodes.map(({ kind }: any) => kind)).toEqual(['TOOL', 'CONFIG_VERSION'])
    const { generateRecommendations } = await one.tenant.data(
      `mutation { generateRecommendations(input: { simulationId: "${simulationId}" }) { results { status } errors { code } } }`,
    )
    expect(generateRecommendations).toEqual({ results: null, errors: [{ code: 'SIMULATION_NOT_FOUND' }] })
    expect((await one.generate()).FAILING_TOOL.status).toBe('INSUFFICIENT_DATA')
    await runJob()
    // Nor does who comes later find what was deleted meanwhile.
    await one.run(ids(0, 1), searches(0))
    await one.tenant.data(
      `mutation { deleteConfiguration(input: { configId: "${one.configId}" }) { errors { code } } }`,
    )
    expect(await stateOf(one)).toEqual([])
    await runJob()
    expect(await marks(one)).toEqual([])
  })

  it('evidence of a scenario that was deleted is shown to nobody', async () => {
    const one = agent()
    await oneRun(20, inTurns(0, 10), { repetitions: 2 })(one)
    const { recommendationId, sourceId } = (await one.generate()).FLAKY_SCENARIOS.recommendation
    const { deleteSimulation, deleteScenario } = await one.tenant.data(
      `mutation { deleteSimulation(input: { simulationId: "${sourceId}" }) { errors { message } }
        deleteScenario(input: { scenarioId: "s_000" }) { errors { message } } }`,
    )
    expect([deleteSimulation, deleteScenario]).toEqual(Array(2).fill({ errors: [] }))
    const { recommendation } = await one.tenant.data(
      `{ recommendation(recommendationId: "${recommendationId}") { evidence { nodes { kind scenarioId } } } }`,
    )
    expect(
      recommendation.evidence.nodes.flatMap(({ kind, scenarioId }: any) =>
        kind === 'SCENARIO' ? [scenarioId] : [],
      ),
    ).toEqual(ids(1, 10))
  })

  it('are worded by a language model where there is one, and have Arc’s own words where it says something else', async () => {
    const receiver = new WebhookReceiver()
    await receiver.start()
    const worded = new Arc({
      DATABASE_URL: database.serviceUrl,
      ARC_JOBS: 'off',
      ARC_LLM_URL: `http://127.0.0.1:${receiver.port}`,
      ARC_LLM_MODEL: 'gpt-x',
    })
    await worded.start()
    cleanUp(async () => {
      await worded.stop()
      await receiver.stop()
    })
    const says = (content: string) =>
      receiver.replies.push({ status: 200, body: JSON.stringify({ choices: [{ message: { content } }] }) })
    const [one, other] = [new EvaluatedAgent(worded.tenant()), new EvaluatedAgent(worded.tenant())]
    await oneRun(60, searches(15))(one)
    says('Mend search first: it fails in 25 % of 60 calls.')
    expect((await one.generate()).FAILING_TOOL.recommendation).toMatchObject({
      description: 'Mend search first: it fails in 25 % of 60 calls.',
      wordedBy: 'gpt-x',
      facts: { calls: 60 },
    })
    expect(receiver.received.map(({ url: path }) => path)).toEqual(['/v1/chat/completions'])
    expect(receiver.received[0]!.body).not.toContain('no such order')
    // What is known is not worded again.
    expect((await one.generate()).FAILING_TOOL.status).toBe('ALREADY_MADE')
    expect(receiver.received).toHaveLength(1)
    await oneRun(60, searches(15))(other)
    says('Mend search first: it fails in 99 % of 60 calls.')
    expect((await other.generate()).FAILING_TOOL.recommendation).toMatchObject({
      description: expect.stringContaining('25 % of 60 calls'),
      wordedBy: null,
    })
  })

  it('one of a simulation and a configuration is looked at, and one without runs tells nothing', async () => {
    const one = agent()
    await one.version(YAML)
    const results = Object.values(await one.generate())
    expect(results).toHaveLength(6)
    for (const { status, reason } of results) {
      expect(status).toBe('INSUFFICIENT_DATA')
      expect(reason).not.toMatch(/null|NaN|undefined/)
    }
    for (const [input, code] of [
      [{}, 'BAD_USER_INPUT'],
      [{ configId: one.configId, simulationId: one.configId }, 'BAD_USER_INPUT'],
      [{ configId: one.versionIds[0] }, 'CONFIGURATION_NOT_FOUND'],
    ] as const) {
      const { generateRecommendations } = await one.tenant.data(
        `mutation ($input: GenerateRecommendationsInput!) { generateRecommendations(input: $input) { errors { code } } }`,
        { input },
      )
      expect(generateRecommendations.errors).toEqual([{ code }])
    }
  })
})
