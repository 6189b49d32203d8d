import fc from 'fast-check'

export const SCENARIOS = ['a', 'b', 'c'] as const
export const TIMES = [
  '2026-01-15T23:00:00.000Z',
  '2026-01-15T23:59:59.999Z',
  '2026-01-16T00:00:00.000Z',
  '2026-03-29T00:59:59.999Z',
  '2026-03-29T01:00:00.000Z',
  '2026-10-25T01:30:00.000Z',
]

const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: null, freq: 3 })
const costs = maybe(fc.constantFrom(0, 0.1, 0.2, 0.7, 4e-7, 1e-12, 999_999.999999))
const counts = maybe(fc.constantFrom(0, 1, 10, 1_000_000_007))

const tools = fc.uniqueArray(
  fc.record({
    toolName: fc.constantFrom('search', 'book', 'user:pay'),
    callCount: fc.constantFrom(1, 2, 19, 100),
    successRate: fc.constantFrom(0, 0.1, 0.5, 1),
    avgDurationMs: maybe(fc.constantFrom(0, 0.1, 3, 250)),
    totalCostUsd: costs,
    errorTypes: fc.subarray(['gone', 'late', 'no', 'odd', 'slow', 'wet']),
  }),
  { selector: ({ toolName }) => toolName, maxLength: 3 },
)

const failures = fc.array(
  fc.record({
    failureType: fc.constantFrom('db_check', 'timeout'),
    failureCategory: fc.constantFrom('TOOL_ERROR', 'TIMEOUT'),
    errorMessage: maybe(fc.constantFrom('the kite is gone', 'no wind')),
  }),
  { maxLength: 2 },
)

const statuses = fc.constantFrom('SUCCESS', 'SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELLED')
const scores = maybe(fc.constantFrom(0, 0.1, 0.7, 0.8, 1, 0.333333333333))

const row = fc.record({
  simulation: fc.nat(9),
  scenarioId: fc.constantFrom(...SCENARIOS, ...SCENARIOS, ...SCENARIOS, 'nowhere'),
  /** Null names none. */
  repetition: maybe(fc.integer({ min: 1, max: 3 })),
  retryCount: fc.constantFrom(0, 0, 0, 1, 2, 3),
  /** An id of the caller's: that of an earlier outcome, or a new one. */
  id: fc.option(fc.nat(60), { nil: null, freq: 4 }),
  /** Sends an earlier row again. */
  again: fc.option(fc.nat(60), { nil: null, freq: 3 }),
  status: statuses,
  executionTime: fc.constantFrom(...TIMES),
  reliabilityScore: scores,
  executionTimeMs: maybe(fc.constantFrom(0, 1, 100, 2_000_000_000)),
  promptTokens: counts,
  completionTokens: counts,
  costUsd: costs,
  /** Null: that of the configuration version. */
  model: maybe(fc.constantFrom('one', 'another')),
  toolUsage: tools,
  failurePatterns: failures,
})

const amendment = fc.record({
  outcome: fc.nat(60),
  status: fc.option(statuses, { nil: undefined }),
  reliabilityScore: fc.option(scores, { nil: undefined }),
  executionTimeMs: fc.option(fc.constantFrom(0, 7), { nil: undefined }),
  promptTokens: fc.option(fc.constantFrom(0, 5, 2_147_483_647), { nil: undefined }),
  completionTokens: fc.option(fc.constantFrom(0, 6, 2_147_483_647), { nil: undefined }),
  tokensUsed: fc.option(fc.constantFrom(0, 12), { nil: undefined, freq: 1 }),
  costUsd: fc.option(fc.constantFrom(0, 0.3, 1e-12), { nil: undefined }),
  model: fc.option(fc.constantFrom('one', 'third'), { nil: undefined, freq: 1 }),
  toolUsage: fc.option(tools, { nil: undefined }),
  failurePatterns: failures,
})

/** Something that is done to the results of a tenant; numbers pick among what there is. */
export const operation = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('start' as const),
      version: fc.nat(1),
      scenarioIds: fc.subarray([...SCENARIOS], { minLength: 1 }),
      repetitions: fc.constantFrom(1, 1, 2, 3),
      maxRetries: fc.constantFrom(0, 2, 3),
      createdAt: fc.constantFrom(...TIMES.slice(0, 3)),
      start: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('record' as const),
      rows: fc.array(row, { minLength: 1, maxLength: 8 }),
      /** The same call on two connections at once. */
      twice: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('amend' as const),
      amendments: fc.array(amendment, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('extend' as const),
      simulation: fc.nat(9),
      scenarioIds: fc.subarray([...SCENARIOS]),
      repetitions: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      simulation: fc.nat(9),
      how: fc.constantFrom('complete' as const, 'complete' as const, 'fail' as const, 'cancel' as const),
      result: fc.record(
        {
          overallScore: fc.constantFrom(0.25, 0.8),
          totalCostUsd: fc.constantFrom(0.1, 12),
          executionTimeMs: fc.constantFrom(100, 5_000),
        },
        { requiredKeys: [] },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      simulation: fc.nat(9),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('deleteConfiguration' as const),
      version: fc.nat(1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('deleteScenario' as const),
      scenarioId: fc.constantFrom(...SCENARIOS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('note' as const),
      outcome: fc.nat(60),
      text: fc.constantFrom('odd', 'look here'),
    }),
  },
)
export type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never

export type Of<Kind extends Operation['kind']> = Extract<Operation, { kind: Kind }>
