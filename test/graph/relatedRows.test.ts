import { expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'

const arc = useArc({ ARC_COMPILED_READS: 'off' })
const MIB = 1024 * 1024

/** With how much more memory was taken at the most. */
async function heapDuring<Answer extends object>(
  ask: () => Promise<Answer>,
): Promise<Answer & { mib: number }> {
  const before = process.memoryUsage().heapUsed
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().heapUsed)
  }, 10)
  const answer = await ask()
  clearInterval(watch)
  return { ...answer, mib: (most - before) / MIB }
}

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
    const { errors, mib } = await heapDuring(() => tenant.ask(`{ ${list} }`))
    expect(errors).toMatchObject([{ message: expect.stringMatching(/ARC_MAX_ANSWER_LENGTH/) }])
    // Of 500 trees of half a megabyte each there were 450.
    expect(mib).toBeLessThan(150)
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

it('a row that is asked for by its key under many aliases is in memory once', async () => {
  const tenant = arc.tenant()
  const metadata = { lists: Array.from({ length: 100_000 }, () => []) }
  const simulationId = await tenant.simulation(['a'], { metadata })
  const { simulation } = await tenant.data('query ($key: UUID!) { simulation(simulationId: $key) { id } }', {
    key: simulationId,
  })
  for (const [type, key, field] of [
    ['UUID', simulationId, 'simulation(simulationId: $key) { metadata }'],
    ['ID', simulation.id, 'node(id: $key) { ... on Simulation { metadata } }'],
  ]) {
    const aliases = Array.from({ length: 90 }, (_, index) => `a${index}: ${field}`)
    const { errors, mib } = await heapDuring(() =>
      tenant.ask(`query ($key: ${type}!) { ${aliases.join(' ')} }`, { key }),
    )
    expect(errors).toBeUndefined()
    // Of 90 trees there were 340, besides the answer.
    expect(mib).toBeLessThan(150)
  }
})
