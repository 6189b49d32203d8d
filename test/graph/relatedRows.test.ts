import { expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'

const arc = useArc({ ARC_COMPILED_READS: 'off' })
const MIB = 1024 * 1024

it('a row that many of a list belong to is read by resolvers once, and is in memory once', async () => {
  const tenant = arc.tenant()
  const tree = { text: Array.from({ length: 20_000 }, () => 'x'.repeat(20)) }
  const simulationId = await tenant.simulation(['a'], { repetitions: 500, metadata: tree })
  const runs = Array.from({ length: 500 }, (_, index) => ({ repetition: index + 1 }))
  // A step of its own for each.
  for (const run of runs) await tenant.record([{ ...run, simulationId, scenarioId: 'a', status: 'SUCCESS' }])
  for (const list of [
    'outcomes(first: 500) { nodes { simulation { metadata } } }',
    'changes(first: 500) { event { simulation { metadata } } }',
    'simulations { nodes { events(last: 500) { nodes { simulation { metadata } } } } }',
  ]) {
    const before = process.memoryUsage().heapUsed
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().heapUsed)
    }, 10)
    const { errors } = await tenant.ask(`{ ${list} }`)
    clearInterval(watch)
    expect(errors).toMatchObject([{ message: expect.stringMatching(/ARC_MAX_ANSWER_LENGTH/) }])
    // Of 500 trees of half a megabyte each there were 450.
    expect((most - before) / MIB).toBeLessThan(150)
  }

  const statements = await arc.statementsDuring(async () => {
    const { outcomes } = await tenant.data(
      '{ outcomes(first: 3) { nodes { simulation { simulationId configVersion { model } } scenario { name } run { attempts } } } }',
    )
    const shown = { simulation: { simulationId, configVersion: { model: 'gpt-4' } }, run: { attempts: 1 } }
    expect(outcomes.nodes).toMatchObject([shown, shown, shown])
  })
  expect(statements.filter((text) => /^select "public"/i.test(text))).toHaveLength(5)
})
