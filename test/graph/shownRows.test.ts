import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'
import { useSubscriptions } from '../support/subscriptions.ts'

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void

const arc = useArc({ ARC_COMPILED_READS: 'on' })
const byResolvers = useArc({ ARC_COMPILED_READS: 'off' })
const { overWebSocket } = useSubscriptions(arc)

const START = `mutation ($version: UUID!, $first: Int!, $with: Boolean!) {
  startSimulation(input: { configVersionId: $version, scenarioIds: ["a", "b"] }) {
    ...Started
    errors { code }
  }
}
fragment Started on SimulationPayload {
  again: simulation { ...Shown }
  simulation { ...Shown @include(if: $with) }
  simulation { status missing: outcomes(last: $first) @skip(if: $with) { totalCount } }
}
fragment Shown on Simulation { __typename status configVersion { model configuration { name } } runs(first: $first) { totalCount nodes { scenarioId } } }`

describe('a row that a mutation shows', () => {
  it('is read by a statement, as resolvers read it', async () => {
    const answers = []
    for (const server of [arc, byResolvers]) {
      const tenant = server.tenant()
      const { versionId } = await tenant.configVersion('sample')
      await tenant.scenarios('a', 'b')
      const start = (first: number, shown: boolean) =>
        tenant.ask(START, { version: versionId, first, with: shown })
      let statements: string[] = []
      const first = async () => {
        statements = await server.statementsDuring(async () => {
          answers.push(await start(1, true))
        })
      }
      await first()
      answers.push(await start(1, false), await start(-1, true))
      const shown = statements.filter((text) => text.includes('/* answer */'))
      expect(shown).toHaveLength(server === arc ? 2 : 0)
    }
    const plain = answers.map(({ data, errors }) => ({
      data,
      errors: errors?.map(({ message, path, locations, extensions }: any) => ({
        message,
        path,
        locations,
        code: extensions.code,
      })),
    }))
    expect(plain.slice(0, 3)).toEqual(plain.slice(3))
    expect(plain[0]!.data.startSimulation).toMatchObject({
      simulation: { __typename: 'Simulation', runs: { totalCount: 2, nodes: [{ scenarioId: 'a' }] } },
    })
    expect(plain[2]!.errors).toMatchObject([{ path: ['startSimulation', 'again', 'runs'] }, {}])
  })

  it('has the variables of the operation that runs, whatever else its document has', async () => {
    const tenant = arc.tenant()
    const id = await tenant.simulation(['a', 'b', 'c'])
    const operation = (name: string, otherwise: number) =>
      `mutation ${name}($id: UUID!, $first: Int = ${otherwise}) { describeSimulation(input: { simulationId: $id, description: "${name}" }) { ...Shown } }`
    const query = `${operation('One', 1)} ${operation('Two', 2)}
      fragment Shown on SimulationPayload { simulation { description runs(first: $first) { nodes { scenarioId } } } }`
    for (const [operationName, scenarioIds] of [
      ['One', ['a']],
      ['Two', ['a', 'b']],
    ] as const) {
      const { data } = await arc.post({ query, operationName, variables: { id } }, await tenant.token())
      const nodes = scenarioIds.map((scenarioId) => ({ scenarioId }))
      expect(data.describeSimulation.simulation).toEqual({ description: operationName, runs: { nodes } })
    }
  })

  it('does not keep the document in memory that asked for it', async () => {
    const tenant = arc.tenant()
    const { versionId } = await tenant.configVersion()
    await tenant.scenarios('a')
    const long = `"${'x'.repeat(25)}"`
    const start = (index: number) =>
      tenant.data(
        `mutation ($version: UUID!) {
          alias${index}: startSimulation(input: { configVersionId: $version, scenarioIds: ["a"], metadata: { a: [${`${long} `.repeat(9_000)}] } }) {
            simulation { status }
          }
        }`,
        { version: versionId },
      )
    const heapAfter = async (from: number, count: number) => {
      for (let index = from; index < from + count; index++) await start(index)
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    const before = await heapAfter(0, 5)
    // Each takes more than a megabyte as a tree.
    expect((await heapAfter(5, 25)) - before).toBeLessThan(15 * 1024 * 1024)
  })

  it('of several mutations is what it was before the next', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { fail, edit } = await tenant.data(
      `mutation ($id: UUID!) {
        fail: failSimulation(input: { simulationId: $id, errorMessage: "stopped" }) { simulation { status description } }
        edit: describeSimulation(input: { simulationId: $id, description: "of yesterday" }) { simulation { status description } }
      }`,
      { id: simulationId },
    )
    expect(fail.simulation).toEqual({ status: 'FAILED', description: null })
    expect(edit.simulation).toEqual({ status: 'FAILED', description: 'of yesterday' })
  })
})

describe('events', () => {
  it('show their simulation by a statement', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const query = `subscription ($id: UUID!) {
      simulationEvents(simulationId: $id) { kind simulation { simulationId configVersion { model } outcomes { totalCount } } }
    }`
    const results = await overWebSocket(tenant, query, { id: simulationId })
    let shown: any
    const statements = await arc.statementsDuring(async () => {
      await results.next()
      await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
      shown = (await results.next()).value
    })
    await results.return!()
    expect(shown).toMatchObject({
      data: {
        simulationEvents: {
          kind: 'PROGRESS',
          simulation: { simulationId, configVersion: { model: 'gpt-4' }, outcomes: { totalCount: 1 } },
        },
      },
    })
    expect(statements.filter((text) => text.includes('/* answer */'))).toHaveLength(2)
    expect(statements.filter((text) => /"public"\."simulations"/i.test(text))).toEqual([])
  })

  it('have all digits of their sums, whoever reads them', async () => {
    for (const server of [arc, byResolvers]) {
      const tenant = server.tenant()
      const simulationId = await tenant.simulation(['a', 'b'])
      await tenant.record([
        { simulationId, scenarioId: 'a', status: 'SUCCESS', costUsd: 999_999 },
        { simulationId, scenarioId: 'b', status: 'SUCCESS', costUsd: 1e-12 },
      ])
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await tenant.token()}` },
        body: JSON.stringify({
          query: `{
            changes(afterSeq: 1) { event { totalCostUsd } }
            simulations { nodes { totalCostUsd events(last: 1) { nodes { totalCostUsd } } } }
          }`,
        }),
      })
      const costs = [...(await response.text()).matchAll(/"totalCostUsd":([\d.]+)/g)].map(([, cost]) => cost)
      expect(costs).toEqual(Array(3).fill('999999.000000000001'))
    }
  })

  it('are listed by a statement, and refused as elsewhere', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    for (const scenarioId of ['a', 'b'])
      await tenant.record([{ simulationId, scenarioId, status: 'SUCCESS' }])
    const query = `{
      latestChange
      changes(afterSeq: 1, first: 1) { seq event { kind simulation { simulationId } completionPercent } }
      simulations { nodes { events(last: 1) { totalCount pageInfo { hasNextPage hasPreviousPage } nodes { seq kind } } } }
    }`
    let data: any
    const statements = await arc.statementsDuring(async () => {
      data = await tenant.data(query)
    })
    expect(statements.filter((text) => text.includes('/* answer */'))).toHaveLength(3)
    expect(data).toEqual({
      latestChange: 3,
      changes: [{ seq: 2, event: { kind: 'PROGRESS', simulation: { simulationId }, completionPercent: 50 } }],
      simulations: {
        nodes: [
          {
            events: {
              totalCount: 3,
              pageInfo: { hasNextPage: false, hasPreviousPage: true },
              nodes: [{ seq: 3, kind: 'PROGRESS' }],
            },
          },
        ],
      },
    })
    expect((await tenant.ask('{ changes(afterSeq: 4) { __typename } }')).errors).toMatchObject([
      {
        message: 'afterSeq is 4, but the latest change has the number 3.',
        extensions: { code: 'INVALID_VALUE' },
      },
    ])
  })
})
