import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import type { Sql } from 'sql-template-tag'
import { describe, expect, it } from 'vitest'
import { readTrajectories } from '../../src/evaluation/outcomes/trajectoryStore.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { sqlAs } from '../support/sqlAs.ts'

const arc = useArc()

const message = (index: number) => ({ role: 'assistant', content: `step ${index}` })

/** Outcomes with these trajectories, in this order. */
async function record(tenant: Tenant, trajectories: unknown[]): Promise<string[]> {
  const ids = trajectories.map((_, index) => `s${index}`)
  const simulationId = await tenant.simulation(ids)
  const { receipts } = await tenant.record(
    trajectories.map((trajectory, index) => ({
      simulationId,
      scenarioId: ids[index],
      status: 'SUCCESS',
      trajectory,
    })),
  )
  return receipts.map(({ outcomeId }: any) => outcomeId)
}

const STEPS = `query ($id: UUID!, $first: Int, $after: String, $last: Int, $before: String, $path: [String!]) {
  outcome(outcomeId: $id) {
    trajectorySteps(first: $first, after: $after, last: $last, before: $before, path: $path) {
      totalCount
      edges { cursor node { index content } }
      nodes { index }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}`

describe('the steps of a trajectory', () => {
  const stepsOf = async (tenant: Tenant, variables: object) =>
    (await tenant.data(STEPS, variables)).outcome.trajectorySteps

  it('are walked once each, in pages of any size, from either end', async () => {
    const tenant = arc.tenant()
    const lengths = [0, 1, 7, 20]
    const ids = await record(
      tenant,
      lengths.map((length) => ({ messages: Array.from({ length }, (_, index) => message(index)) })),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.nat(lengths.length - 1),
        fc.integer({ min: 1, max: 21 }),
        fc.boolean(),
        async (which, size, backward) => {
          const id = ids[which]!
          const length = lengths[which]!
          const walked: number[] = []
          let more: object | null = {}
          while (more) {
            const { totalCount, edges, nodes, pageInfo }: any = await stepsOf(tenant, {
              id,
              ...(backward ? { last: size } : { first: size }),
              ...more,
            })
            expect(totalCount).toBe(length)
            expect(edges.map(({ node }: any) => ({ index: node.index }))).toEqual(nodes)
            for (const { node } of edges) expect(node.content).toEqual(message(node.index))
            const indexes = nodes.map(({ index }: any) => index)
            if (backward) walked.unshift(...indexes)
            else walked.push(...indexes)
            expect(pageInfo.startCursor).toBe(edges[0]?.cursor ?? null)
            expect(pageInfo.hasPreviousPage).toBe(indexes.length > 0 && indexes[0] > 0)
            expect(pageInfo.hasNextPage).toBe(indexes.length > 0 && indexes.at(-1) < length - 1)
            if (backward) more = pageInfo.hasPreviousPage ? { before: pageInfo.startCursor } : null
            else more = pageInfo.hasNextPage ? { after: pageInfo.endCursor } : null
          }
          expect(walked).toEqual(Array.from({ length }, (_, index) => index))
        },
      ),
      { numRuns: 25 },
    )
  })

  it.each([
    ['a list', [message(0), message(1)], 2],
    ['steps', { steps: [1, 2, 3] }, 3],
    ['messages before steps', { steps: [1, 2, 3], messages: [message(0)] }, 1],
    ['what looks like a list but is none', { messages: { 0: 'x' }, traj: [null] }, 1],
    ['nothing', {}, 0],
    ['a text', 'it just worked', 0],
  ])('are those of %s', async (_, trajectory, total) => {
    const tenant = arc.tenant()
    const [id] = await record(tenant, [trajectory])
    const { totalCount, nodes } = await stepsOf(tenant, { id })
    expect([totalCount, nodes.length]).toEqual([total, total])
    const { outcomes } = await tenant.data(
      `query ($steps: Float!) { outcomes(filter: { stepCount: { eq: $steps } }) { nodes { outcomeId stepCount } } }`,
      { steps: total },
    )
    expect(outcomes.nodes).toEqual([{ outcomeId: id, stepCount: total }])
  })

  it('are counted where they are stored: to unpack megabytes for their number takes seconds', async () => {
    const tenant = arc.tenant()
    const [id] = await record(tenant, [{ messages: [message(0)] }])
    // Nobody could tell otherwise which of the two was read.
    await arc.sql('admin', (client) =>
      client.query('update store.outcomes set step_count = 7 where outcome_id = $1', [id]),
    )
    const { outcome } = await tenant.data(
      'query ($id: UUID!) { outcome(outcomeId: $id) { trajectorySteps { totalCount } } }',
      { id },
    )
    expect(outcome.trajectorySteps.totalCount).toBe(7)
  })

  it('are of another list where its path is given', async () => {
    const tenant = arc.tenant()
    const [id] = await record(tenant, [{ messages: [1], deep: { 'odd "key"': [[], [4, 5, 6]] } }])
    const page = await stepsOf(tenant, { id, path: ['deep', 'odd "key"', '1'], first: 2 })
    expect(page).toMatchObject({
      totalCount: 3,
      edges: [{ node: { index: 0, content: 4 } }, { node: { index: 1, content: 5 } }],
      pageInfo: { hasNextPage: true },
    })
    for (const path of [['deep'], ['nowhere'], ['status']]) {
      expect((await stepsOf(tenant, { id, path })).totalCount).toBe(0)
    }
  })

  it.each([
    [{ first: -1 }, 'BAD_USER_INPUT'],
    [{ first: 501 }, 'LIMIT_EXCEEDED'],
    [{ first: 1, last: 1 }, 'BAD_USER_INPUT'],
    [{ after: 'nonsense' }, 'CURSOR_INVALID'],
    [{ after: Buffer.from('["number","1e99"]').toString('base64url') }, 'CURSOR_INVALID'],
    [{ path: [] }, 'BAD_USER_INPUT'],
    [{ path: ['\0'] }, 'BAD_USER_INPUT'],
  ])('refuse %j', async (variables, code) => {
    const tenant = arc.tenant()
    const [id] = await record(tenant, [{ messages: [1] }])
    const { errors } = await tenant.ask(STEPS, { id, ...variables })
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual([code])
  })

  it('and parts of all outcomes of a list are read in one statement each, and no trajectory travels whole', async () => {
    const tenant = arc.tenant()
    const big = 'x'.repeat(200_000)
    await record(
      tenant,
      Array.from({ length: 10 }, (_, index) => ({ messages: [message(index), big, big], meta: { index } })),
    )
    const query = `{ outcomes(orderBy: {field: EXECUTION_TIME, direction: ASC}) { nodes {
      scenarioId
      trajectorySteps(first: 1) { nodes { content } }
      second: trajectorySteps(first: 1, path: ["meta"]) { totalCount }
      trajectoryPath(path: ["meta", "index"])
      last: trajectoryPath(path: ["messages", "0", "content"])
      none: trajectoryPath(path: ["messages", "9"])
    } } }`
    let data: any
    const statements = await arc.statementsDuring(async () => {
      data = await tenant.data(query)
    })
    expect(data.outcomes.nodes).toHaveLength(10)
    for (const { scenarioId, ...parts } of data.outcomes.nodes) {
      const index = Number(scenarioId.slice(1))
      expect(parts).toEqual({
        trajectorySteps: { nodes: [{ content: message(index) }] },
        second: { totalCount: 0 },
        trajectoryPath: index,
        last: `step ${index}`,
        none: null,
      })
    }
    expect(statements.filter((text) => text.includes('trajectory'))).toHaveLength(5)
    expect(statements.filter((text) => text.includes('"trajectory"'))).toEqual([])
  })

  it('are nobody else’s', async () => {
    const [id] = await record(arc.tenant(), [{ messages: [1] }])
    expect(await arc.tenant().data(STEPS, { id })).toEqual({ outcome: null })
  })
})

describe('a whole trajectory', () => {
  it('is read once, whatever its aliases, and an answer that gets too long is refused', async () => {
    const tenant = arc.tenant()
    const [id] = await record(tenant, [{ messages: ['x'.repeat(900_000)] }])
    const aliases = (count: number) =>
      Array.from({ length: count }, (_, index) => `t${index}: trajectory`).join(' ')
    const ask = (count: number) =>
      tenant.ask(`query ($id: UUID!) { outcome(outcomeId: $id) { ${aliases(count)} } }`, { id })
    const statements = await arc.statementsDuring(async () => expect((await ask(20)).errors).toBeUndefined())
    expect(statements.filter((text) => text.includes('trajectories'))).toHaveLength(1)
    const { data, errors } = await ask(100)
    expect(data ?? null).toBeNull()
    expect(errors).toMatchObject([
      { message: expect.stringMatching(/ARC_MAX_ANSWER_LENGTH/), extensions: { code: 'TOO_LARGE' } },
    ])
  })

  it('is not read at all where all that are asked for would be too much', async () => {
    const tenant = arc.tenant()
    const ids = await record(tenant, [{ messages: [1] }, { messages: [2] }])
    const { outcomes } = await tenant.data('{ outcomes { nodes { outcomeId executionTime } } }')
    const keys = ids.map((outcomeId) => ({
      outcomeId,
      executionTime: new Date(outcomes.nodes.find((node: any) => node.outcomeId === outcomeId).executionTime),
    }))
    await sqlAs(arc, 'app_readonly', tenant, async (run) => {
      let read: Record<string, unknown>[] = []
      const reads = {
        query: async ({ text, values }: Sql) => {
          read = (await run(text, values)).rows
          return read as never
        },
      }
      const all = await readTrajectories(reads, keys, 1e9)
      expect(all).toMatchObject([{ messages: [1] }, { messages: [2] }])
      const bytes = Number(read[0]!.bytes)
      expect(bytes).toBeGreaterThan(50)
      expect(await readTrajectories(reads, keys, bytes)).toEqual(all)
      expect(await readTrajectories(reads, keys, bytes - 1)).toBeNull()
      expect(read.map(({ trajectory }) => trajectory)).toEqual([null, null])
    })
  })

  it('tells its size without being looked into', async () => {
    const tenant = arc.tenant()
    // Random, so that they are as large where they are stored.
    const trajectory = () => ({ messages: [randomBytes(1_500_000).toString('base64')] })
    await record(tenant, [trajectory(), trajectory()])
    const { outcomes } = await tenant.data('{ outcomes { nodes { outcomeId executionTime } } }')
    const keys = outcomes.nodes.map(({ outcomeId, executionTime }: any) => ({
      outcomeId,
      executionTime: new Date(executionTime),
    }))
    expect(keys).toHaveLength(2)
    await sqlAs(arc, 'app_readonly', tenant, async (run) => {
      let blocks = Number.NaN
      const explaining = {
        query: async ({ text, values }: Sql) => {
          const explain = () => run(`explain (analyze, buffers, format json) ${text}`, values)
          // The first time it also reads the catalogue.
          await explain()
          const { rows } = await explain()
          const [{ Plan: plan }] = rows[0]!['QUERY PLAN'] as any
          blocks = plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
          return [{ bytes: 2 }] as never
        },
      }
      // The two fill more than 480 blocks of 8 KiB.
      expect(await readTrajectories(explaining, keys, 1)).toBeNull()
      expect(blocks).toBeLessThan(240)
    })
  })
})

describe('the events of a simulation', () => {
  it('are walked once each, in pages of any size, from either end, for all simulations of a list at once', async () => {
    const tenant = arc.tenant()
    const ids = ['a', 'b', 'c', 'd', 'e']
    const simulationId = await tenant.simulation(ids)
    await tenant.simulation(['a'])
    for (const scenarioId of ids) await tenant.record([{ simulationId, scenarioId, status: 'SUCCESS' }])
    const query = `query ($first: Int, $after: String, $last: Int, $before: String) {
      simulations(orderBy: {field: CREATED_AT}) { nodes {
        events(first: $first, after: $after, last: $last, before: $before) {
          totalCount
          nodes { seq kind succeededScenarios simulation { simulationId } }
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
      } }
    }`
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 7 }), fc.boolean(), async (size, backward) => {
        const walked: any[] = []
        for (let more: object | null = {}; more; ) {
          const page: object = backward ? { last: size } : { first: size }
          const { simulations } = await tenant.data(query, { ...page, ...(more as object) })
          const { totalCount, nodes, pageInfo } = simulations.nodes[0].events
          expect(totalCount).toBe(6)
          if (backward) walked.unshift(...nodes)
          else walked.push(...nodes)
          if (backward) more = pageInfo.hasPreviousPage ? { before: pageInfo.startCursor } : null
          else more = pageInfo.hasNextPage ? { after: pageInfo.endCursor } : null
        }
        expect(walked).toEqual(
          [1, 2, 3, 4, 5, 6].map((seq) => ({
            seq,
            kind: seq === 1 ? 'STARTED' : 'PROGRESS',
            succeededScenarios: seq - 1,
            simulation: { simulationId },
          })),
        )
      }),
      { numRuns: 10 },
    )
    const { simulations } = await tenant.data(query)
    expect(simulations.nodes[1].events.nodes).toMatchObject([{ seq: 1, kind: 'STARTED' }])
    const statements = await arc.statementsDuring(() => tenant.data(query))
    expect(statements.filter((text) => text.includes('simulation_events'))).toHaveLength(1)
    expect(await arc.tenant().data('{ simulations { nodes { events { totalCount } } } }')).toEqual({
      simulations: { nodes: [] },
    })
  })
})
