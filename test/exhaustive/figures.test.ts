import fc from 'fast-check'
import { expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'
import { FigureChecks } from '../support/figureChecks.ts'
import { type Operation, operation, TIMES } from '../support/resultOperations.ts'
import { ResultSequence } from '../support/resultSequence.ts'

// Everything is asked for at once.
const arc = useArc({ ARC_MAX_COST: '1000000000' })

/** Sequences, and operations of each. */
const SEQUENCES = Number(process.env.ARC_TEST_SEQUENCES ?? 25)
const OPERATIONS = 16
const AT_ONCE = 6

const STARTS: Operation[] = [0, 1].map((version) => ({
  kind: 'start',
  version,
  scenarioIds: ['a', 'b'],
  repetitions: 2,
  maxRetries: 2,
  createdAt: TIMES[0]!,
  start: true,
}))

it('every counter and every aggregate is what the plain rows come to, whatever was done in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: OPERATIONS / 2, maxLength: OPERATIONS, size: 'max' }),
      async (operations) => {
        const sequence = new ResultSequence(arc.tenant())
        const checks = new FigureChecks(arc, sequence)
        await sequence.begin()
        for (const operation of operations) {
          await sequence.do(operation)
          await checks.check()
        }
      },
    ),
    { numRuns: SEQUENCES, endOnFailure: true },
  )
}, 600_000)

it('every counter and every aggregate is what the plain rows come to when much is done at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(operation, { minLength: 2, maxLength: AT_ONCE }), { minLength: 4, maxLength: 6 }),
      async (groups) => {
        const sequence = new ResultSequence(arc.tenant())
        const checks = new FigureChecks(arc, sequence)
        await sequence.begin()
        for (const group of [STARTS, ...groups]) {
          await Promise.all(group.map((each) => sequence.do(withoutResult(each)).catch(unforeseen)))
          await sequence.learn()
          await checks.check()
        }
      },
    ),
    { numRuns: Math.ceil(SEQUENCES / 3), endOnFailure: true },
  )
}, 600_000)

/** Which of two ends came first is not told. */
const withoutResult = (each: Operation): Operation => (each.kind === 'end' ? { ...each, result: {} } : each)

/** What one operation should be answered depends on those that were done meanwhile. */
function unforeseen(error: unknown): void {
  const { name, actual } = error as { name?: string; actual?: unknown }
  if (name !== 'AssertionError') throw error
  expect(JSON.stringify(actual) ?? '').not.toMatch(/INTERNAL_SERVER_ERROR|UNAVAILABLE/)
}
